"""The keys of a live fleet's file, their defaults and the range of each value.

Models, variants, nodes and the demonstration load are a scenario's, so the same fleet can be simulated.

**Time.** A fleet of emulated replicas can live ``speed`` times as fast as the world: a start of 110 s takes 11 s on the
wall at speed 10. That holds together only if everything scales, so nothing is rescaled by hand: every duration, rate
and price in this file, in observations and in policies is in the fleet's own time, and whoever measures, waits, dates
or sends does so by one clock that runs that much faster. The replicas are told by ``{speed}`` in their command. What
the machine itself needs does not shrink: a process takes as long to load and to exit at any speed. So a start takes
somewhat longer in the fleet's time than its variant declares, which policies measure, and deadlines for processes keep
a least length on the wall (``wva.local.timing``). Real servers, and a Prometheus server, need speed 1.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator

from wva.scenario.schema import (
    ControlSpec,
    Count,
    CountOrZero,
    GatewaySpec,
    ModelSpec,
    Name,
    NodesSpec,
    Number,
    PositiveDuration,
    Section,
    VariantSpec,
    WorkloadSpec,
)


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    return path if info.context is None else Path(info.context["directory"]) / path


def _words(command: object) -> object:
    if not isinstance(command, str):
        return command
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise ValueError(f"cannot be split into words ({error}); correct its quotes") from None


def _path_of_url(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"must be a path such as /health, not {path!r}")
    return path


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"must be an address such as http://127.0.0.1:9090, not {url!r}")
    return url.rstrip("/")


PathBeside = Annotated[Path, AfterValidator(_beside_the_file)]
"""A path, relative to the fleet's file in YAML and to the working directory once loaded."""

Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
PortOrAny = Annotated[int, Field(strict=True, ge=0, le=65535)]
"""0 takes one that is free."""

Command = Annotated[tuple[Name, ...], BeforeValidator(_words), Field(min_length=1)]
"""A program and its arguments, as one line in a shell's quoting or as a list, with placeholders
(``wva.local.command``). No shell runs it. YAML wants a line that begins with a placeholder in quotes."""


class Probe(StrEnum):
    """The request of one token that tells a serving replica from one that merely listens."""

    COMPLETIONS = "completions"
    """POST /v1/completions."""
    CHAT = "chat"
    """POST /v1/chat/completions."""


class ProcessSpec(Section):
    """How replicas run: for all variants, or for one, where what it leaves out is as for all."""

    command: Command | None = None
    environment: Annotated[dict[Name, str], Field(default_factory=dict)]
    """Added to the environment of ``wva``; values may have placeholders."""
    directory: PathBeside | None = None
    """Working directory; ``None`` is that of ``wva``."""
    health: Annotated[str, AfterValidator(_path_of_url)] | None = None
    """Path that answers 200 once it is worth while to try a real request; /health."""
    probe: Probe | None = None
    """The real request; completions."""

    def over(self, common: "ProcessSpec") -> "Server":
        """What is said here, and where nothing is, in ``common``; environments are joined."""
        return Server(
            command=self.command or common.command or (),
            environment={**common.environment, **self.environment},
            directory=self.directory or common.directory,
            health=self.health or common.health or "/health",
            probe=self.probe or common.probe or Probe.COMPLETIONS,
        )


@dataclass(frozen=True, slots=True)
class Server:
    """How the replicas of one variant run, everything settled; templates as ``wva.local.command`` has them."""

    command: tuple[str, ...]
    """Program and arguments; empty where none was given."""
    environment: Mapping[str, str]
    directory: Path | None
    health: str
    probe: Probe


class ReplicasSpec(ProcessSpec):
    """What all replicas have in common, and how they are started, watched and stopped."""

    host: Name = "127.0.0.1"
    """Address that they listen on."""
    ports: tuple[Port, Port] | None = None
    """First and last port that they may take; ``None`` takes any that is free."""
    logs: PathBeside | None = None
    """Directory of their logs; ``None`` is ``logs`` in the run's own."""
    log_bytes: Annotated[Count, Field(ge=4096)] = 10_000_000
    """Largest size of one replica's log on disk."""
    start_deadline: PositiveDuration = 1800.0
    """Time from a start to the first answer, after which the start has failed."""
    drain_deadline: PositiveDuration = 1800.0
    """Time after which a draining replica is stopped though it still answers, where a plan gives no deadline."""
    stop_grace: PositiveDuration = 30.0
    """Time from SIGTERM to SIGKILL."""
    check: PositiveDuration = 30.0
    """How often a ready replica is looked at."""
    hung_after: PositiveDuration = 120.0
    """Time without an answer and without a step of its engine after which a replica is replaced."""

    @model_validator(mode="after")
    def _ports_go_up(self) -> Self:
        if self.ports is not None and self.ports[0] > self.ports[1]:
            raise ValueError(f"ports must go from low to high, not {self.ports[0]} to {self.ports[1]}")
        return self


class LocalVariantSpec(VariantSpec, ProcessSpec):
    """A way of serving a model on this machine; ``initial`` replicas are started with the fleet.

    What it says of its processes goes before what ``replicas`` says of all.
    """

    @model_validator(mode="before")
    @classmethod
    def _begins_with_the_least(cls, data: Any) -> Any:
        if isinstance(data, dict) and "initial" not in data and "min" in data:
            return {**data, "initial": data["min"]}
        return data


class LocalNodesSpec(NodesSpec):
    """Nodes of one kind: on one machine, groups of GPUs that a replica does not span."""

    devices: tuple[int | str, ...] | None = None
    """What CUDA_VISIBLE_DEVICES calls their GPUs, node by node; ``None`` numbers them on, in the file's order."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if self.devices is not None and len(self.devices) != self.gpus * self.count:
            raise ValueError(f"devices names {len(self.devices)} GPUs, but there are {self.gpus} x {self.count}")
        return self


class LocalGatewaySpec(GatewaySpec):
    """The endpoint that clients use."""

    host: Name = "127.0.0.1"
    port: PortOrAny = 8000
    max_queued_requests: Count = 10_000
    """Requests that it holds for one model and priority at most."""
    max_queued_bytes: Count = 1 << 30
    """Bytes of their bodies."""
    max_body_bytes: Count = 64 << 20
    """Largest body of a request."""
    stall_timeout: PositiveDuration | None = 120.0
    """Silence after which a stream that has begun counts as broken; ``None`` waits."""


class PolicySpec(Section):
    """A policy of the registry; its name alone will do."""

    name: Name
    options: Annotated[dict[str, Any], Field(default_factory=dict)]

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data


class Source(StrEnum):
    """Where metrics come from."""

    DIRECT = "direct"
    """From the replicas and the gateway themselves."""
    PROMETHEUS = "prometheus"
    """From a Prometheus server that scrapes them."""


class MetricsSpec(Section):
    """Where metrics come from, and how a Prometheus server is reached."""

    source: Source = Source.DIRECT
    url: Annotated[str, AfterValidator(_address)] | None = None
    """Base address of the Prometheus server."""
    ca_file: PathBeside | None = None
    """Certificates that its own is checked by; ``None`` is the system's."""
    token_file: PathBeside | None = None
    """File of the bearer token, read again when it changes."""

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if (self.source is Source.PROMETHEUS) != (self.url is not None):
            raise ValueError("give url with source: prometheus, and only then")
        if self.url is None and (self.ca_file or self.token_file):
            raise ValueError("ca_file and token_file need source: prometheus")
        return self


class DashboardSpec(Section):
    """The page to watch the fleet on."""

    host: Name = "127.0.0.1"
    port: PortOrAny = 8080
    token: Name | None = None
    """What a visitor must give to change anything; ``None`` makes one at each start."""


class FleetSpec(Section):
    """A live fleet's file. ``wva.local.load`` makes valid ones; durations are seconds of the fleet's time."""

    name: Name
    speed: Annotated[Number, Field(ge=1, le=100)] = 1.0
    """Seconds of the fleet's time in a second on the wall: above 1 only with emulated replicas."""
    models: Annotated[dict[Name, ModelSpec], Field(min_length=1)]
    variants: Annotated[tuple[LocalVariantSpec, ...], Field(min_length=1)]
    nodes: Annotated[tuple[LocalNodesSpec, ...], Field(min_length=1)] | None = None
    """All GPUs there are, real or pretended; ``None`` is without limit, and then none is named to a replica."""
    replicas: ReplicasSpec = ReplicasSpec(environment={})
    gateway: LocalGatewaySpec = LocalGatewaySpec()
    control: ControlSpec = ControlSpec()
    policy: PolicySpec = PolicySpec(name="wva", options={})
    shadow: PolicySpec | None = None
    """A policy that decides on the same observations and changes nothing."""
    metrics: MetricsSpec = MetricsSpec()
    journal: PathBeside | None = None
    """Where observations and plans are written; ``None`` is the run's own directory."""
    dashboard: DashboardSpec | None = DashboardSpec()
    """``null`` shows no page."""
    workload: tuple[WorkloadSpec, ...] = ()
    """A demonstration load, sent to the gateway."""
    seed: CountOrZero = 1
    """What the demonstration load is drawn by."""

    _source: str = PrivateAttr("unnamed")

    @property
    def source(self) -> str:
        """The file it came from, as messages name it."""
        return self._source

    def servers(self) -> Mapping[str, Server]:
        """How the replicas of each variant run, by its name."""
        return {variant.name: variant.over(self.replicas) for variant in self.variants}

"""The keys of a scenario file, their defaults and the range of each value."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    Strict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from wva.fleet.variant import Role
from wva.gateway.settings import Queue, Routing
from wva.scenario.duration import Duration
from wva.workload.arrivals import Arrivals

Count = Annotated[int, Strict(), Field(ge=1)]
CountOrZero = Annotated[int, Strict(), Field(ge=0)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
PositiveDuration = Annotated[Duration, Field(gt=0)]


def _from_the_start_on(points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    times = [time for time, _ in points]
    if times[0] != 0:
        raise ValueError(f"must start at 0s, not at {times[0]:g}s")
    if times != sorted(times):
        raise ValueError("must go forward in time")
    return points


Points = Annotated[
    tuple[tuple[Duration, Annotated[Number, Field(ge=0)]], ...],
    Field(min_length=1),
    AfterValidator(_from_the_start_on),
]
"""A quantity over time: what it is at some times from 0 on, with straight lines between them."""


class AtEnd(StrEnum):
    """What clients do with unfinished requests when the window ends."""

    WAIT = "wait"
    """They wait for every one."""
    CANCEL = "cancel"
    """They leave; the run is over, and what is unfinished is incomplete."""


class Section(BaseModel):
    """Base of every part: unknown keys are an error, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LognormalSpec(Section):
    """Token counts whose logarithm is normal."""

    mean: Annotated[Number, Field(ge=1)]
    """Mean in tokens."""
    cv: Annotated[Number, Field(ge=0)]
    """Standard deviation over mean."""


class UniformSpec(Section):
    """Every whole number of a range is as likely."""

    min: Count
    max: Count

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min", value):
            raise ValueError(f"is {value}, below min {info.data['min']}")
        return value


class TokensSpec(Section):
    """A distribution of token counts: exactly one key."""

    lognormal: LognormalSpec | None = None
    constant: Count | None = None
    uniform: UniformSpec | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.lognormal, self.constant, self.uniform)) != 1:
            raise ValueError("give exactly one of lognormal, constant and uniform")
        return self


class SyntheticSpec(Section):
    """Requests drawn afresh for each seed."""

    arrivals: Arrivals
    input_tokens: TokensSpec
    output_tokens: TokensSpec
    rate: Annotated[Points, Field(min_length=2)]
    """Points of time and requests per second, with straight lines between them; the last ends the window."""

    @field_validator("rate")
    @classmethod
    def _lasts(cls, rate: Points) -> Points:
        if rate[-1][0] == 0 or not any(value for _, value in rate):
            raise ValueError("must last some time and be above 0 somewhere")
        return rate


class WorkloadSpec(Section):
    """Traffic of one model, from a trace or synthetic."""

    model: str
    trace: Path | None = None
    """File of the trace, relative to the scenario's in YAML and to the working directory once loaded."""
    synthetic: SyntheticSpec | None = None
    scale: Annotated[Number, Field(gt=0)] = 1.0
    """Copies superposed; for synthetic traffic a factor of its rate."""
    jitter: Duration = 0.0
    """Each copy is shifted by a uniform draw of up to this many seconds."""
    start: Duration = 0.0
    """Seconds of the trace to leave out at its start."""
    duration: PositiveDuration | None = None
    """Length of the window in seconds; ``None`` reaches to the end of the trace."""

    @field_validator("trace")
    @classmethod
    def _beside_the_scenario(cls, trace: Path | None, info: ValidationInfo) -> Path | None:
        return trace if trace is None or info.context is None else Path(info.context["directory"]) / trace

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.trace is None) == (self.synthetic is None):
            raise ValueError("give exactly one of trace and synthetic")
        if self.synthetic is not None and self.jitter > 0:
            raise ValueError("jitter shifts copies of a trace; synthetic traffic differs by seed without it")
        return self


class ObjectivesSpec(Section):
    """The latency that users of a model are promised."""

    ttft: PositiveDuration
    tpot: PositiveDuration


class ModelSpec(Section):
    """A model that clients ask for."""

    shape: Name
    """Name of its shape in the catalogue."""
    precision: Literal["bf16", "fp8", "fp4"]
    objectives: ObjectivesSpec
    priority: Annotated[int, Strict()] = 0
    """Higher goes first."""


class VariantSpec(Section):
    """A way of serving a model, and how many replicas it may have."""

    name: Name
    model: str
    role: Role = Role.BOTH
    accelerator: Name
    tensor_parallel: Count = 1
    cost: Annotated[Number, Field(ge=0)]
    """Price of one replica for an hour."""
    min: CountOrZero
    max: Count
    initial: CountOrZero
    """Replicas that are ready when the run starts."""
    startup: Duration = 110.0
    """Seconds from start order to ready."""
    max_num_seqs: Count | None = None
    max_num_batched_tokens: Count | None = None
    gpu_memory_utilization: Annotated[Number, Field(gt=0, le=1)] | None = None

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min", value):
            raise ValueError(f"is {value}, below min {info.data['min']}")
        return value

    @field_validator("initial")
    @classmethod
    def _within_bounds(cls, value: int, info: ValidationInfo) -> int:
        least, most = info.data.get("min", value), info.data.get("max", value)
        if not least <= value <= most:
            raise ValueError(f"is {value}, outside min {least} and max {most}")
        return value


class NodesSpec(Section):
    """Nodes of one kind."""

    accelerator: Name
    gpus: Count
    """GPUs in each node; a replica does not span nodes."""
    count: Count


class GatewaySpec(Section):
    """What stands in front of the replicas."""

    queue: Queue = Queue.ENGINE
    hold_above: Count = 5
    """Requests waiting in every ready replica from which on the gateway holds new ones."""
    hold_above_kv: Annotated[Number, Field(gt=0, le=1)] | None = None
    """Share of the KV cache in use from which on a replica counts as one that has ``hold_above`` waiting; ``None``
    looks at the waiting alone."""
    first_token_timeout: PositiveDuration = 60.0
    """Seconds after which a request without a first token fails."""
    total_timeout: PositiveDuration | None = None
    """Seconds after which a request without its last token fails; ``None`` waits."""
    queue_timeout: PositiveDuration | None = None
    """Seconds after which a request that the gateway still holds fails; ``None`` waits."""
    routing: Routing = Routing.LEAST_LOADED


class ClientsSpec(Section):
    """How requests are sent, and how long their answers are waited for. The default is an open loop."""

    max_concurrency: Count | None = None
    """Requests that all clients together have outstanding at most. At the limit what is due is sent when another
    request ends, and that is when it arrives; what is unsent when the window ends is never sent."""
    at_end: AtEnd = AtEnd.WAIT


class ControlSpec(Section):
    """How often the control plane decides and looks."""

    interval: PositiveDuration = 15.0
    scrape: PositiveDuration = 15.0


class CrashSpec(Section):
    """A ready replica that dies."""

    at: Duration
    variant: str


class PowerSpec(Section):
    """What the site makes of its GPUs' energy."""

    pue: Annotated[Number, Field(ge=1)] = 1.0
    """Power usage effectiveness: the site's energy over that of its GPUs."""
    carbon_intensity: Points | None = None
    """Grams of CO2 a kWh of the site causes: a number, or points of time as in ``rate``; ``None`` is unknown."""

    @field_validator("carbon_intensity", mode="before")
    @classmethod
    def _constant(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return [["0s", value]]
        if isinstance(value, list | tuple | None):
            return value
        raise ValueError(f"must be a number or points such as [[0s, 300], [6h, 150]], not {value!r}")


class Scenario(Section):
    """A scenario file. ``wva.scenario.load`` makes valid ones; durations are seconds."""

    name: Name
    workload: Annotated[tuple[WorkloadSpec, ...], Field(min_length=1)]
    models: Annotated[dict[Name, ModelSpec], Field(min_length=1)]
    variants: Annotated[tuple[VariantSpec, ...], Field(min_length=1)]
    nodes: Annotated[tuple[NodesSpec, ...], Field(min_length=1)] | None = None
    """All nodes there are; ``None`` is without limit."""
    clients: ClientsSpec = ClientsSpec()
    gateway: GatewaySpec = GatewaySpec()
    control: ControlSpec = ControlSpec()
    crashes: tuple[CrashSpec, ...] = ()
    power: PowerSpec = PowerSpec()
    seeds: Annotated[tuple[CountOrZero, ...], Field(min_length=1)] = (1,)
    """One run each."""

    _source: str = PrivateAttr("unnamed")

    @property
    def source(self) -> str:
        """The file it came from, as messages name it."""
        return self._source

"""Small fleets to work out by hand: a step of their servers takes 10 ms whatever is in it.

So an answer of ``n`` tokens takes ``n`` steps: its first token comes 10 ms after its request joins a batch and its last
after ``n`` times 10 ms, however many requests share the batch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wva.control.stock import Stock
from wva.engine.batch import state
from wva.engine.batch.state import PICOSECONDS
from wva.engine.server import Server, StepTime
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import Observation
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import InstanceMetrics
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.scenario.schema import NodesSpec
from wva.simulate.body import SimulatedFleet, most_rows
from wva.simulate.observe import Observer
from wva.simulate.replicas import SimulatedReplica
from wva.simulate.setup import build_world
from wva.workload.merge import Workload

STATUS = {
    state.WAITING_FOR_ARRIVAL: "to come",
    state.ACTIVE: "active",
    state.COMPLETED: "completed",
    state.TRUNCATED: "truncated",
    state.TOO_LONG: "too long",
    state.FIRST_TOKEN_TIMEOUT: "first token timeout",
    state.TOTAL_TIMEOUT: "total timeout",
    state.QUEUE_TIMEOUT: "queue timeout",
    state.INCOMPLETE: "incomplete",
    state.CRASHED: "crashed",
}

Asked = tuple[float, int, int] | tuple[float, int, int, str]
"""A request: arrival in seconds, tokens of prompt and answer, and the model where there are several."""


def ps(seconds: float) -> int:
    """Picoseconds."""
    return round(seconds * PICOSECONDS)


def server(
    *,
    step_ms: float = 10,
    kv_blocks: int = 10_000,
    max_num_seqs: int = 100,
    max_num_batched_tokens: int = 10_000,
    max_model_len: int = 10_000,
) -> Server:
    """A server whose every step takes as long."""
    tokens = np.full(max_num_batched_tokens + 1, ps(step_ms / 1000), np.int64)
    step = StepTime(tokens, sequence_ps=0, kv_token_ps=0, window_token_ps=0, attention_pair_ps=0)
    return Server(step, kv_blocks, 0, 0, max_num_seqs, max_num_batched_tokens, max_model_len)


def variant(
    name: str = "v",
    *,
    model: str = "m",
    accelerator: str = "gpu",
    gpus: int = 1,
    lowest: int = 0,
    most: int = 10,
    startup_s: float = 10.0,
) -> Variant:
    """A way of serving ``model`` that costs 1 an hour."""
    return Variant(
        name=name,
        model=model,
        role=Role.BOTH,
        accelerator=accelerator,
        tensor_parallel=gpus,
        engine=EngineArguments(),
        cost_per_hour=1.0,
        min_replicas=lowest,
        max_replicas=most,
        startup_s=startup_s,
    )


def model(name: str = "m", ttft_s: float = 1.0, tpot_s: float = 0.1) -> Model:
    """A model with these objectives; its shape is never looked up."""
    return Model(name, "default", "shape", "bf16", Objectives(ttft_s, tpot_s), 0)


def workload(requests: Sequence[Asked], models: Sequence[str] = ("m",), window_s: float = 1.0) -> Workload:
    """Those requests, in order of arrival."""
    return Workload(
        arrival_ps=np.array([ps(request[0]) for request in requests], np.int64),
        model=np.array([models.index(request[3]) if len(request) > 3 else 0 for request in requests], np.int16),
        input_tokens=np.array([request[1] for request in requests], np.int32),
        output_tokens=np.array([request[2] for request in requests], np.int32),
        blocks=None,
        models=tuple(models),
        window_s=window_s,
    )


def plan(now_s: float, *parts: VariantPlan, valid_s: float = 60.0) -> Plan:
    """A plan made at that time."""
    return Plan(f"plan-{now_s:g}", "observation", now_s + valid_s, parts)


class Rig:
    """A fleet without a control plane: the test orders, waits and looks. Times are in seconds."""

    def __init__(
        self,
        *variants: Variant,
        requests: Sequence[Asked] = (),
        servers: Mapping[str, Server] | None = None,
        costs: Mapping[str, float] | None = None,
        full_load_s: float = 0.0,
        nodes: Sequence[tuple[str, int, int]] | None = None,
        rows: int | None = None,
        hold_above: int | None = None,
        hold_above_kv: float | None = None,
        round_robin: bool = False,
        first_token_timeout_s: float | None = None,
        total_timeout_s: float | None = None,
        queue_timeout_s: float | None = None,
        max_concurrency: int | None = None,
        scrape_s: float = 15.0,
        **ready: int,
    ) -> None:
        """``nodes`` are (accelerator, GPUs of each, count); ``ready`` are the replicas at the start by variant."""
        self.variants = variants or (variant(),)
        names = tuple(dict.fromkeys(v.model for v in self.variants))
        own = servers or {}
        kinds = [own.get(v.name, server()) for v in self.variants]
        self.world = build_world(
            workload(requests, names),
            servers=kinds,
            server_models=[names.index(v.model) for v in self.variants],
            full_load_s=[full_load_s] * len(names),
            rows=most_rows(self.variants) if rows is None else rows,
            first_token_timeout_ps=None if first_token_timeout_s is None else ps(first_token_timeout_s),
            total_timeout_ps=None if total_timeout_s is None else ps(total_timeout_s),
            queue_timeout_ps=None if queue_timeout_s is None else ps(queue_timeout_s),
            hold_above=hold_above,
            hold_above_kv=hold_above_kv,
            round_robin=round_robin,
            max_concurrency=max_concurrency,
        )
        specs = [NodesSpec(accelerator=name, gpus=gpus, count=count) for name, gpus, count in nodes or ()]
        self.fleet = SimulatedFleet(
            self.world,
            self.variants,
            [names.index(v.model) for v in self.variants],
            [(costs or {}).get(v.name, 1.0) for v in self.variants],
            Stock(specs if nodes is not None else None),
        )
        self.observer = Observer(self.world, self.fleet, [model(name) for name in names], kinds, scrape_s, "digest")
        self.now = 0.0
        for name, count in ready.items():
            self.fleet.begin(self.index(name), count)

    def index(self, name: str) -> int:
        """Index of a variant."""
        return [v.name for v in self.variants].index(name)

    def until(self, time_s: float) -> "Rig":
        """Let the fleet serve until then."""
        self.now = time_s
        self.fleet.serve_until(ps(time_s))
        return self

    def scale(self, **targets: int) -> list[Outcome]:
        """Carry out a plan that expects what is there."""
        parts = [VariantPlan(name, self.desired(name), target, target) for name, target in targets.items()]
        return list(self.fleet.apply(plan(self.now, *parts), ps(self.now)))

    def crash(self, name: str = "v") -> None:
        """Crash a replica of that variant."""
        self.fleet.crash(self.index(name), ps(self.now))

    def desired(self, name: str = "v") -> int:
        """What the body works towards."""
        return self.fleet.desired(self.index(name))

    def phases(self) -> dict[str, str]:
        """Every replica's phase by its id, in the order of their orders."""
        return {replica.id: replica.phase.value for replica in self.fleet.replicas}

    def replica(self, name: str) -> SimulatedReplica:
        """The replica of that id."""
        return next(replica for replica in self.fleet.replicas if replica.id == name)

    def bills_s(self) -> list[tuple[float, float]]:
        """End the run: (billed, ready) replica-seconds of each variant."""
        self.fleet.close(ps(self.now))
        return [(usage.billed_ps / PICOSECONDS, usage.ready_ps / PICOSECONDS) for usage in self.fleet.usage]

    def scrape(self) -> None:
        """Look at everything, as the run does on its interval."""
        self.observer.scrape(ps(self.now))
        self.fleet.scraped()

    def observe(self) -> Observation:
        """What a policy would see now."""
        return self.observer.observe(ps(self.now), ())

    def metrics(self, name: str) -> InstanceMetrics | None:
        """What a policy would see of a replica now."""
        for seen in self.observe().variants:
            for replica in seen.replicas:
                if replica.id == name:
                    return replica.instances[0].metrics
        raise KeyError(name)

    def record(self, request: int) -> Any:
        """What became of a request so far."""
        return self.world.engines.requests[request]

    def status(self, request: int) -> str:
        """Whether and how a request ended."""
        return STATUS[int(self.record(request)["status"])]

    def statuses(self) -> list[str]:
        """Whether and how every request ended."""
        return [STATUS[int(one)] for one in self.world.engines.requests["status"]]

    def first_token_s(self, request: int) -> float | None:
        """When its first token came."""
        return _seconds(self.record(request)["first_token"])

    def finish_s(self, request: int) -> float | None:
        """When it ended, however it did."""
        return _seconds(self.record(request)["finish"])

    def routed(self) -> list[str | None]:
        """The replica that each request went to, by id; None while it has gone to none. Only for those that exist."""
        rows = {replica.row: replica.id for replica in self.fleet.replicas if replica.row is not None}
        return [rows.get(int(row)) for row in self.world.engines.requests["replica"]]

    def in_flight(self, name: str) -> int:
        """Requests that a replica has been sent and that have not ended."""
        return int(self.world.engines.replicas[self.replica(name).row]["in_flight"])

    def held(self, of: int = 0) -> int:
        """Requests that wait at the gateway for a model."""
        return int(self.world.gateways[of]["waiting"])


def _seconds(time: Any) -> float | None:
    return None if time < 0 else int(time) / PICOSECONDS

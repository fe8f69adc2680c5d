"""What a running fleet tells those who watch it, as it goes over its control API.

The API is JSON of the dataclasses here, field by field, below the address in ``run.json`` of the run's directory:

=======  ==================  ===========================================================================================
GET      /api/state          a :class:`LiveState`: how things stand now
GET      /api/ticks?since=N  {"ticks": [...]}: every :class:`TickState` that is kept with a number above N, oldest first
GET      /api/events         server-sent events: ``state`` with a LiveState at once and every second of the wall's
                             clock, ``tick`` with a TickState after every turn (its number is the event's id)
POST     /api/pause          decide, but apply nothing
POST     /api/resume
POST     /api/pin            {"variant": "a100", "count": 2}
POST     /api/unpin          {"variant": "a100"}
=======  ==================  ===========================================================================================

What changes something needs ``Authorization: Bearer TOKEN`` and answers {"ok": true}; what is wrong answers
{"error": "one line"} with status 400, 401 or 404.

All times, rates and prices are in the fleet's own time, which runs ``speed`` times as fast as the wall's clock;
instants are seconds since the epoch on that clock. ``None`` is unknown, never 0.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """One replica, now."""

    id: str
    phase: str
    """``pending``, ``starting``, ``ready`` or ``draining``."""
    reason: str | None
    """Why it is in the phase, where that is not a matter of course (``waiting for stock``, ``exit code 1: ...``)."""
    since: float
    """When it entered the phase."""
    started_at: float | None
    ready_at: float | None
    node: str | None
    in_flight: int | None
    """Requests that the gateway has sent to it and that have not ended."""
    running: float | None
    """Sequences in its batch."""
    waiting: float | None
    """Requests in its own queue."""
    kv_usage: float | None
    """Share of its KV cache in use, 0 to 1."""
    metrics_age_s: float | None
    """Seconds since it said so."""


@dataclass(frozen=True, slots=True)
class VariantState:
    """One variant, now."""

    name: str
    model: str
    accelerator: str
    gpus_per_replica: int
    cost_per_hour: float
    """Of one replica."""
    min_replicas: int
    max_replicas: int
    desired: int
    """The count that the fleet works towards."""
    target: int | None
    """What the newest plan wants; other than ``desired`` while paused or where something clamps it."""
    shadows: Mapping[str, int]
    """What other policies would have now, by their names."""
    pinned: int | None
    """The count that people hold it at."""
    power_w: float | None
    """What its GPUs draw, as the engine model has it."""
    replicas: tuple[ReplicaState, ...]
    """In the order in which they were ordered."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model and its traffic, now."""

    name: str
    shape: str
    priority: int
    ttft_objective_s: float
    tpot_objective_s: float
    arrival_rate: float | None
    """Requests per second over the last minute."""
    in_flight: float | None
    """Sent to a replica and not yet ended."""
    queued: int
    """Held at the gateway."""
    ttft_p90_s: float | None
    """Over answers that ended in the last minute, with the time at the gateway; unknown when none did."""
    tpot_p90_s: float | None
    offered: int
    """Requests that have come since the start."""
    ended: int
    """Those of them that have ended, well or not."""
    met: int
    """Those of them whose answer kept the objectives."""
    failed: int
    """Those of them that ended without a whole answer, clients that left included."""

    @property
    def attainment(self) -> float | None:
        """Share of the requests that have ended whose answers kept the objectives; unknown before any has."""
        return self.met / self.ended if self.ended else None


@dataclass(frozen=True, slots=True)
class LiveState:
    """A fleet, now."""

    fleet: str
    now: float
    started_at: float
    speed: float
    """Seconds of the fleet's time in a second on the wall."""
    gateway_url: str
    """Base of the addresses that clients use, without ``/v1``."""
    run_directory: str
    """Where journals, logs and ``run.json`` are."""
    policy: str
    shadows: tuple[str, ...]
    """Policies that decide on the same observations and change nothing."""
    paused: bool
    pins: Mapping[str, int]
    problems: Mapping[str, str]
    """What is wrong now, in one line each, by the part that it is wrong with."""
    cost_per_hour: float
    """Of all replicas on hardware."""
    cost: float
    """What the replicas have cost since the start."""
    shadow_cost_per_hour: Mapping[str, float]
    """What the counts of other policies would cost, by their names."""
    power_w: float | None
    """What all GPUs on hardware draw, as the engine model has it; unknown where it is unknown of one."""
    models: tuple[ModelState, ...]
    variants: tuple[VariantState, ...]
    load_ended: bool
    """The demonstration load, if there was one, has been sent and answered."""
    tick: int
    """Number of the newest turn; 0 before the first."""
    decisions: tuple["TickState", ...]
    """The newest turns that changed something, or failed to, oldest first: at most 20."""


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A model as a turn saw it: a point of its curves."""

    name: str
    arrival_rate: float | None
    in_flight: float | None
    queued: float | None
    ttft_p90_s: float | None
    tpot_p90_s: float | None


@dataclass(frozen=True, slots=True)
class VariantPoint:
    """A variant as a turn saw it, and what was decided for it."""

    name: str
    phases: Mapping[str, int]
    """Replicas in each phase; all four are there."""
    desired: int
    running: float | None
    """Over the replicas that serve; unknown where it is unknown of one."""
    waiting: float | None
    kv_usage: float | None
    """The mean."""
    power_w: float | None
    before: int | None
    """The count that the decision assumed; ``None`` without a decision."""
    target: int | None
    shadows: Mapping[str, int]
    reasons: tuple[str, ...]
    """Why, in plain sentences, in the order of the argument."""
    reason_codes: tuple[str, ...]
    """Their short names, one each."""
    outcome: str | None
    """``applied``, ``clamped``, ``refused``, ``conflict`` or ``pending``; ``None`` without an answer."""
    outcome_detail: str | None


@dataclass(frozen=True, slots=True)
class TickState:
    """One turn of the loop."""

    number: int
    """From 1 since the start of the process."""
    time: float
    trigger: str
    """``interval``, ``arrival_at_zero``, ``burst`` or ``manual``."""
    cause: str | None
    """Why it came early, in words."""
    result: str
    """``applied``, ``paused``, ``nothing_seen``, ``no_decision`` or ``not_applied``."""
    words: str
    """What was decided and why, in one plain sentence; ``holds`` where nothing changes."""
    changes: bool
    """Whether a count changes by it, or something went wrong."""
    decide_ms: float
    """What the policy took, in milliseconds on the wall."""
    paused: bool
    pins: Mapping[str, int]
    problems: Mapping[str, str]
    cost_per_hour: float
    shadow_cost_per_hour: Mapping[str, float]
    power_w: float | None
    models: tuple[ModelPoint, ...]
    """Empty where nothing was seen."""
    variants: tuple[VariantPoint, ...]


class LiveFleet(Protocol):
    """A running fleet, in this process (``wva.live.watch``) or at an address (``wva.live.client``).

    What is asked for and cannot be raises ``UserError``.
    """

    async def state(self) -> LiveState:
        """How things stand now."""

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        """The turns that are kept with a number above ``since``, oldest first."""

    def events(self) -> AsyncIterator[LiveState | TickState]:
        """A state at once and every second, and every turn as it ends, until the caller stops listening."""

    async def pause(self) -> None:
        """Decide, but apply nothing."""

    async def resume(self) -> None:
        """Apply again what is decided."""

    async def pin(self, variant: str, count: int) -> None:
        """Hold a variant at a count."""

    async def unpin(self, variant: str) -> None:
        """Let the policy decide again."""

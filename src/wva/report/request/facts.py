"""What there is to tell of a request, as plain data.

Times are seconds since the start of the run; ``None`` is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wva.fleet.reason import Reason
from wva.simulate.inquiry import Fate
from wva.simulate.misses import Cause
from wva.simulate.pressure import Pressure


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request and what it got."""

    id: int
    """Its number in the order of arrival, from 0."""
    model: str
    input_tokens: int
    output_tokens: int
    """Asked for."""
    produced: int
    arrival_s: float
    status: str
    met: bool
    cause: Cause | None
    """Why it was not met."""
    ttft_s: float | None
    """Arrival to first token."""
    ttft_objective_s: float
    total_s: float
    """Arrival to end, however it ended."""
    total_allowed_s: float
    """TTFT objective and a TPOT for each further token."""
    tpot_s: float | None
    """Mean time between its tokens; ``None`` where there were not two, or not all."""
    tpot_objective_s: float
    preemptions: int
    variant: str | None
    """Variant and replica that it was sent to."""
    replica: str | None
    running_before: int
    """Requests in that replica's batch just before it came."""
    waiting_before: int


@dataclass(frozen=True, slots=True)
class StageTime:
    """One part of its time."""

    stage: str
    seconds: float
    alone_s: float | None
    """On an empty replica of the same variant; ``None`` where it was sent to none, or fits none."""


@dataclass(frozen=True, slots=True)
class AloneOn:
    """The same request on an empty replica of one variant."""

    variant: str
    ttft_s: float | None
    """``None`` where its prompt does not fit."""
    total_s: float | None
    met: bool


@dataclass(frozen=True, slots=True)
class VariantState:
    """One variant when the request arrived; engine figures are over its replicas that serve."""

    variant: str
    phases: Mapping[str, int]
    """Replicas by phase."""
    running: float
    waiting: float
    kv_mean: float | None
    """Share of the KV cache in use."""
    kv_max: float | None


@dataclass(frozen=True, slots=True)
class PlanPart:
    """What a decision settled for one variant."""

    variant: str
    before: int
    target: int
    reasons: tuple[Reason, ...]
    """In the order of the argument."""


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """One decision on the request's model."""

    number: int
    time_s: float
    parts: tuple[PlanPart, ...]


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A target that was changed before the request arrived."""

    time_s: float
    variant: str
    before: int
    after: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class Episode:
    """The unbroken run of misses of its model that a request belongs to."""

    first_s: float
    """Arrival of its first miss."""
    last_s: float
    misses: int
    arrivals: int
    """Requests to the model from the first to the last miss."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """More replicas with which it would have been met, as simulated."""

    variant: str
    replicas: int
    decision: int
    time_s: float
    kept: int
    """How many of them that decision stopped; the others take a start."""
    startup_s: float
    """How long that takes."""
    cost_per_hour: float
    """Of all of them."""
    fate: Fate
    later: Fate | None
    """With ``later_replicas`` ordered one decision later; ``None`` where there was no later decision."""
    later_replicas: int


class Verdict(StrEnum):
    """Whether a decision would have saved it."""

    MET = "met"
    """There is nothing to save."""
    TOO_LONG = "too_long"
    CRASH = "crash"
    IMPOSSIBLE = "impossible"
    SAVED = "saved"
    """By a decision that saw overload; see ``wva.simulate.pressure``."""
    HEADROOM = "headroom"
    """Only by a decision before overload showed."""
    NOTHING = "nothing"
    """By no number of more replicas of any one variant, within its bounds and since the earliest decision tried."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would have saved it."""

    verdict: Verdict
    orders: tuple[OrderFacts, ...] = ()
    """The latest first."""
    decision: DecisionFacts | None = None
    """The decision of the first order, as it was made."""
    seen: Pressure | None = None
    """What that decision saw."""
    overload_s: float | None = None
    """First decision of the unbroken row up to the arrival that saw overload."""
    standing: Mapping[str, int] | None = None
    """More replicas of a variant, there all along, that would have met it; of each variant of which some would."""
    earliest_s: float | None = None
    """The earliest decision that was tried; ``None`` where none was made before it arrived."""
    simulations: int = 0
    """What-ifs that were simulated to know this."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is told of a request."""

    scenario: str
    policy: str
    seed: int
    request: RequestFacts
    stages: tuple[StageTime, ...]
    alone: tuple[AloneOn, ...]
    """The variants of its model."""
    fleet: tuple[VariantState, ...]
    """Of its model, just before it arrived."""
    gateway_queue: float
    decision: DecisionFacts | None
    """In force when it arrived."""
    changes: tuple[ChangeFacts, ...]
    """The newest before it arrived."""
    episode: Episode | None
    """Where it was not met."""
    remedy: Remedy

"""Everything seen at one instant. What was not seen is ``None``: unknown, never 0."""

from dataclasses import dataclass
from enum import StrEnum

from wva.fleet.inventory import Inventory
from wva.fleet.model import Model
from wva.fleet.outcome import Outcome
from wva.fleet.replica import Phase, Replica
from wva.fleet.variant import Variant


class Trigger(StrEnum):
    """What caused the observation."""

    INTERVAL = "interval"
    ARRIVAL_AT_ZERO = "arrival_at_zero"
    BURST = "burst"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class CarrierTraits:
    """What the thing that carries a plan out can do, and what else acts on the same count."""

    owner: str
    """Who owns the replica count: ``wva``, ``hpa``, ``keda``, ``user``."""
    chooses_victims: bool
    drains: bool
    reaches_zero: bool
    restores: bool
    """Whether a draining replica can be taken back."""
    foreign_min: int | None = None
    foreign_max: int | None = None
    tolerance: float | None = None
    """Relative change that a follower ignores; HPA ignores 0.1."""
    up_per_minute: float | None = None
    """Replicas that a follower adds at most in a minute."""
    down_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the gateway says of one model at its newest scrape."""

    age_s: float
    arrivals_total: float | None
    """``inference_objective_request_total``: requests that came, served or not."""
    arrived_bytes_total: float | None
    """``inference_objective_request_sizes_sum``: bytes of their bodies."""
    failed_total: float | None
    """``inference_objective_request_error_total``: requests that ended without an answer."""
    arrival_rate_1m: float | None
    """Requests per second over the last minute."""
    arrival_rate_5m: float | None
    """Requests per second over the last five minutes."""
    arrived_bytes_rate_1m: float | None
    arrived_bytes_rate_5m: float | None
    in_flight: float | None
    """``inference_objective_running_requests``: sent to a replica and not yet ended."""
    queue_requests: float | None
    """``inference_extension_flow_control_queue_size``: held at the gateway."""
    queue_bytes: float | None
    """``inference_extension_flow_control_queue_bytes``."""
    ttft_p90_1m_s: float | None
    """``histogram_quantile(0.9, ...)`` of ``llm_d_epp_request_ttft_seconds``: seconds from arrival to first token, over
    answers that ended in the last minute. Unknown when none did."""
    tpot_p90_1m_s: float | None
    """The same of ``llm_d_epp_request_streaming_tpot_seconds``: seconds for each token after the first."""


@dataclass(frozen=True, slots=True)
class ModelObservation:
    """A model and its traffic."""

    model: Model
    traffic: Traffic | None


@dataclass(frozen=True, slots=True)
class VariantObservation:
    """A variant, its target and its replicas."""

    variant: Variant
    desired: int
    """The count that the body now works towards (``spec.replicas``)."""
    ready: int | None
    """Ready replicas by the body's own status; ``None`` when it could not be read."""
    revision: str | None
    """Current template revision."""
    traits: CarrierTraits
    replicas: tuple[Replica, ...]

    def in_phase(self, *phases: Phase) -> tuple[Replica, ...]:
        """The replicas in any of these phases."""
        return tuple([replica for replica in self.replicas if replica.phase in phases])


@dataclass(frozen=True, slots=True)
class Observation:
    """The input of a decision."""

    id: str
    now: float
    """Seconds since the epoch (the start of the run in a simulation)."""
    trigger: Trigger
    scope: tuple[str, ...]
    """Models that the decision may change."""
    models: tuple[ModelObservation, ...]
    variants: tuple[VariantObservation, ...]
    inventory: Inventory
    outcomes: tuple[Outcome, ...]
    """What became of the last plan."""
    configuration: str
    """Digest of the configuration in force."""

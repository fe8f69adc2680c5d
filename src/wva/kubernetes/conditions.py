"""What is said of a variant's state, in the reference's conditions and some of our own."""

from dataclasses import dataclass
from enum import StrEnum


class Aspect(StrEnum):
    """Type of a condition."""

    ACCEPTED = "Accepted"
    """Whether the declaration can be worked with."""
    TARGET_RESOLVED = "TargetResolved"
    METRICS_AVAILABLE = "MetricsAvailable"
    OPTIMIZATION_READY = "OptimizationReady"
    ACTUATION_LIMITED = "ActuationLimited"
    """Whether the target will not have the count that was decided, though nothing is wrong."""
    CONFLICT = "Conflict"
    """Whether somebody else acts on the same count, so that WVA does not."""
    DRAIN_SUPPORTED = "DrainSupported"
    """Whether a pod can be taken out of service and end its requests before it is stopped."""


class Because(StrEnum):
    """Reason of a condition; those that the reference has are spelled as there."""

    ACCEPTED = "Accepted"
    INVALID = "InvalidConfiguration"
    UNREADABLE = "InvalidSpec"
    DUPLICATE = "DuplicateTarget"
    NAME_TAKEN = "DuplicateName"

    TARGET_FOUND = "TargetFound"
    TARGET_NOT_FOUND = "TargetNotFound"
    TARGET_DELETED = "TargetBeingDeleted"

    METRICS_FOUND = "MetricsFound"
    METRICS_MISSING = "MetricsMissing"
    METRICS_STALE = "MetricsStale"
    PROMETHEUS_ERROR = "PrometheusError"

    OPTIMIZED = "OptimizationSucceeded"
    OPTIMIZATION_FAILED = "OptimizationFailed"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    UNKNOWN_ACCELERATOR = "AcceleratorNotResolved"
    UNKNOWN_MODEL = "ModelNotInCatalogue"
    UNKNOWN_SERVER = "ServerNotResolved"
    NOT_MODELLED = "NotModelled"

    UNLIMITED = "NotLimited"
    WITHIN_TOLERANCE = "WithinTolerance"
    BOUNDED = "OutsideFollowersBounds"
    OUT_OF_BOUNDS = "OutsideBounds"
    STABILIZING = "Stabilizing"
    RATE_LIMITED = "RateLimited"
    NO_STOCK = "InsufficientStock"
    QUOTA = "QuotaExceeded"
    FAILING = "ReplicasFailing"
    ADVISORY = "Advisory"
    PAUSED = "Paused"
    REFUSED = "Refused"

    NO_CONFLICT = "NoConflict"
    FOREIGN_SCALER = "ForeignScaler"
    OWNED = "OwnedByController"
    CHANGED = "ChangedByOthers"

    BY_GATE = "ReadinessGate"
    BY_LABEL = "SelectorLabel"
    NO_DRAIN = "OnlyGracePeriod"


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of a variant's state."""

    aspect: Aspect
    holds: bool | None
    """``None`` is unknown."""
    because: Because
    message: str = ""
    """For people."""

    @property
    def status(self) -> str:
        """As the API spells it."""
        return "Unknown" if self.holds is None else str(self.holds)

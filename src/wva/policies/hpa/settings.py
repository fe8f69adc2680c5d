"""What a user writes into the object: metrics with their targets, and how fast the count may move."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf

_LONGEST_WINDOW_S = 3600.0
_LONGEST_PERIOD_S = 1800.0


class Metric(StrEnum):
    """Metrics of a pod that the HPA can follow, by the names that vLLM gives them."""

    WAITING = "vllm:num_requests_waiting"
    """Requests that wait in the engine; a pod's is the sum over its instances."""
    RUNNING = "vllm:num_requests_running"
    """Requests in the batch; a pod's is the sum over its instances."""
    KV_USAGE = "vllm:kv_cache_usage_perc"
    """Share of the KV cache in use, 0 to 1; a pod's is the mean over its instances."""


@dataclass(frozen=True, slots=True)
class PodsMetric:
    """One entry of ``spec.metrics`` with type ``Pods`` and target type ``AverageValue``."""

    metric: Metric
    average_value: float
    """Target of the mean over the pods, in the metric's unit. Kept in thousandths, rounded up as quantities are."""

    def __post_init__(self) -> None:
        if not 0 < self.average_value < inf:
            raise ValueError(f"average_value must be a number above 0, got {self.average_value}")

    @property
    def target_milli(self) -> int:
        """The target in thousandths."""
        # 2.007 * 1000 is 2007.0000000000002: round away the binary error before rounding up.
        return ceil(round(self.average_value * 1000, 6))


class Unit(StrEnum):
    """What the value of a rate policy counts."""

    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    """Which of several rate policies holds."""

    MAX = "Max"
    """The one that allows the largest change."""
    MIN = "Min"
    """The one that allows the smallest change."""
    DISABLED = "Disabled"
    """None: the count does not move in this direction."""


@dataclass(frozen=True, slots=True)
class RatePolicy:
    """At most this much change within any period."""

    type: Unit
    value: int
    """Pods, or percent of the count at the start of the period."""
    period_s: float
    """Length of the period in seconds, up to 1800."""

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise ValueError(f"value must be above 0, got {self.value}")
        if not 0 < self.period_s <= _LONGEST_PERIOD_S:
            raise ValueError(f"period_s must be above 0 and at most {_LONGEST_PERIOD_S:g}, got {self.period_s}")


@dataclass(frozen=True, slots=True)
class ScalingRules:
    """How fast the count may move in one direction."""

    stabilization_window_s: float
    """Seconds of past recommendations that hold the count back, 0 to 3600."""
    policies: tuple[RatePolicy, ...]
    select: Select = Select.MAX
    tolerance: float | None = None
    """Relative distance from the target that is ignored; ``None`` takes the HPA's own (KEP-4951)."""

    def __post_init__(self) -> None:
        if not 0 <= self.stabilization_window_s <= _LONGEST_WINDOW_S:
            window = self.stabilization_window_s
            raise ValueError(f"stabilization_window_s must be between 0 and {_LONGEST_WINDOW_S:g}, got {window}")
        if not self.policies:
            raise ValueError("policies must have at least one entry")
        if self.tolerance is not None and not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")

    @property
    def longest_period_s(self) -> float:
        """The longest period of its policies, in seconds."""
        return max(policy.period_s for policy in self.policies)


@dataclass(frozen=True, slots=True)
class ScaleUpRules(ScalingRules):
    """``behavior.scaleUp`` with its documented defaults: doubling or 4 more pods in 15 s, at once."""

    stabilization_window_s: float = 0.0
    policies: tuple[RatePolicy, ...] = (RatePolicy(Unit.PODS, 4, 15.0), RatePolicy(Unit.PERCENT, 100, 15.0))


@dataclass(frozen=True, slots=True)
class ScaleDownRules(ScalingRules):
    """``behavior.scaleDown`` with its documented defaults: to the minimum in 15 s, after 300 s."""

    stabilization_window_s: float = 300.0
    policies: tuple[RatePolicy, ...] = (RatePolicy(Unit.PERCENT, 100, 15.0),)


@dataclass(frozen=True, slots=True)
class Behavior:
    """``spec.behavior``."""

    scale_up: ScaleUpRules = ScaleUpRules()
    scale_down: ScaleDownRules = ScaleDownRules()


def tolerances(behavior: Behavior | None, tolerance: float) -> tuple[float, float]:
    """What is ignored below and above a target: the rules' own tolerances go before the HPA's."""
    if behavior is None:
        return tolerance, tolerance
    down, up = behavior.scale_down.tolerance, behavior.scale_up.tolerance
    return tolerance if down is None else down, tolerance if up is None else up

"""What a user writes into the ScaledObject: triggers, and how fast the HPA may move."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf

from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Unit


class RouterMetric(StrEnum):
    """What a trigger's query can ask for, by the name of its metric."""

    QUEUE_SIZE = "llm_d_epp_flow_control_queue_size"
    """Requests that the gateway holds."""
    POOL_SATURATION = "llm_d_epp_flow_control_pool_saturation"
    """How full the pool is: 1 and more stops the gateway from sending."""
    REQUEST_RUNNING = "llm_d_epp_request_running"
    """Requests that were sent to a replica and have not ended."""
    KV_CACHE_USAGE = "vllm:kv_cache_usage_perc"
    """Full KV caches that the variant's own replicas have in use together: 1.5 is one and a half. It has no share."""


class MetricType(StrEnum):
    """How the HPA compares a metric with its threshold."""

    AVERAGE_VALUE = "AverageValue"
    """The metric over the threshold is the count."""
    VALUE = "Value"
    """The metric over the threshold multiplies the ready replicas: for a level, which has no shares."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One entry of ``spec.triggers``."""

    metric: RouterMetric
    threshold: float
    """In the metric's unit. Kept in whole thousandths, cut off as KEDA does."""
    activation_threshold: float = 0.0
    """Above it the trigger is active."""
    metric_type: MetricType = MetricType.AVERAGE_VALUE

    def __post_init__(self) -> None:
        if not 0.001 <= self.threshold < inf:
            raise ValueError(f"threshold must be a number of at least 0.001, got {self.threshold}")

    @property
    def target_milli(self) -> int:
        """The threshold in thousandths."""
        return milli(self.threshold)


def milli(value: float) -> int:
    """Whole thousandths, cut off: what KEDA serves to the HPA of a query's answer, and of a threshold."""
    # 2.007 * 1000 is 2007.0000000000002, and 0.29 * 1000 is 290.00000000000006 or less: the binary error goes first.
    return int(round(value * 1000, 6))


GUIDE_BEHAVIOR = Behavior(
    ScaleUpRules(300.0, (RatePolicy(Unit.PERCENT, 100, 15.0),)),
    ScaleDownRules(300.0, (RatePolicy(Unit.PERCENT, 100, 15.0),)),
)
"""The guide's ``behavior``. The benchmark that llm-d published has 1 pod in 180 s up, at once, and 1 in 300 s down."""

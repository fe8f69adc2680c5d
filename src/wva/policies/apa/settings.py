"""What a user writes into the PodAutoscaler: metrics of pods with their targets."""

from dataclasses import dataclass
from math import inf

from wva.policies.hpa.settings import Metric


@dataclass(frozen=True, slots=True)
class MetricSource:
    """One entry of ``spec.metricsSources`` with type ``pod``."""

    target_metric: Metric
    target_value: float
    """What the mean over the pods is to be, in the metric's unit."""

    def __post_init__(self) -> None:
        if not 0 < self.target_value < inf:
            raise ValueError(f"target_value must be a number above 0, got {self.target_value}")

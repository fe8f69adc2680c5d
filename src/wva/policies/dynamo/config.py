"""``PlannerConfig``: what an owner of the planner writes, by the original's names."""

from dataclasses import dataclass
from enum import StrEnum


class OptimizationTarget(StrEnum):
    """What the load loop scales by."""

    THROUGHPUT = "throughput"
    """The KV cache: more above all of it, fewer below 60 %."""
    LATENCY = "latency"
    """The KV cache: more above 40 %, fewer below 10 %."""
    LOAD = "load"
    """The KV cache, by thresholds of one's own."""
    SLA = "sla"
    """Latencies that the performance model expects of the state of the engines."""


class LoadPredictor(StrEnum):
    """How the next interval is forecast."""

    CONSTANT = "constant"
    """As the last one was."""
    KALMAN = "kalman"
    """A Kalman filter of a local linear trend."""


@dataclass(frozen=True, slots=True)
class PlannerConfig:
    """The configuration of every variant's planner."""

    optimization_target: OptimizationTarget = OptimizationTarget.SLA
    enable_throughput_scaling: bool = True
    """Whether the traffic of the next interval is provided for; only with the target ``sla``."""
    enable_load_scaling: bool = True
    """Whether the state of the engines moves the count; always, unless the target is ``sla``."""
    ttft_share: float = 1.0
    """``ttft_ms`` of each planner, in parts of its model's objective."""
    itl_share: float = 1.0
    """``itl_ms`` of each planner, in parts of its model's objective of time per output token."""
    throughput_adjustment_interval_seconds: float = 180.0
    """Seconds of traffic that the throughput loop looks at, and ahead."""
    max_throughput_scaling_replicas: int = 8
    """Replicas by which the throughput loop moves at once at most."""
    load_adjustment_interval_seconds: float = 5.0
    """Seconds between two looks of the load loop, which is called no more often than the policy is."""
    load_scaling_down_sensitivity: float = 80.0
    """Percent of the objectives that the remaining replicas may be expected to reach; 0 never shrinks."""
    decode_scale_up_kv_rate: float | None = None
    """Percent of the KV cache at which the target ``load`` grows."""
    decode_scale_down_kv_rate: float | None = None
    """Percent of the KV cache at which the target ``load`` shrinks."""
    load_predictor: LoadPredictor = LoadPredictor.KALMAN
    load_predictor_log1p: bool = False
    """Whether the Kalman filter works on logarithms."""
    kalman_q_level: float = 1.0
    """Variance that the level gains in an interval."""
    kalman_q_trend: float = 0.1
    """Variance that the trend gains in an interval."""
    kalman_r: float = 10.0
    """Variance of what is measured around the level."""
    max_gpu_budget: int = -1
    """GPUs that a planner may use at most; below 0 without limit."""
    min_endpoint: int = 1
    """Replicas that a planner keeps at least."""

    def __post_init__(self) -> None:
        for name in _ABOVE_0:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0.0 <= self.load_scaling_down_sensitivity <= 100.0:
            raise ValueError(
                f"load_scaling_down_sensitivity must be between 0 and 100, got {self.load_scaling_down_sensitivity}"
            )
        if self.optimization_target is OptimizationTarget.LOAD:
            up, down = self.decode_scale_up_kv_rate, self.decode_scale_down_kv_rate
            if up is None or down is None or not up > down:
                raise ValueError(
                    "the target load needs a decode_scale_up_kv_rate above its decode_scale_down_kv_rate, "
                    f"got {up} and {down}"
                )
        if not (self.enable_throughput_scaling or self.enable_load_scaling):
            raise ValueError("enable_throughput_scaling or enable_load_scaling must be on")
        if self.load_adjustment_interval_seconds >= self.throughput_adjustment_interval_seconds:
            raise ValueError(
                "load_adjustment_interval_seconds must be below throughput_adjustment_interval_seconds, got "
                f"{self.load_adjustment_interval_seconds} and {self.throughput_adjustment_interval_seconds}"
            )

    @property
    def throughput_scaling(self) -> bool:
        """Whether the throughput loop runs."""
        return self.enable_throughput_scaling and self.optimization_target is OptimizationTarget.SLA

    @property
    def load_scaling(self) -> bool:
        """Whether the load loop runs."""
        return self.enable_load_scaling or self.optimization_target is not OptimizationTarget.SLA


_ABOVE_0 = (
    *("ttft_share", "itl_share", "max_throughput_scaling_replicas", "min_endpoint"),
    *("throughput_adjustment_interval_seconds", "load_adjustment_interval_seconds"),
    *("kalman_q_level", "kalman_q_trend", "kalman_r"),
)

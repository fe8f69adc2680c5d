"""The brain's configuration: one default for every fleet, nothing in it knows a workload."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Tunables of the brain; each with its unit, its default and why."""

    headroom: float = 0.15
    """Part of the capacity at the objectives that stays free, 0 to 1: queueing needs it even under steady load."""
    most_occupied: float = 1.5
    """Largest need that a filling KV cache is believed to show, as a factor of what the arrivals need: a queue that is
    being worked off fills every cache there is."""
    kv_headroom: float = 0.2
    """Part of the KV cache that stays free, 0 to 1: a full cache stops admission at once, and answers grow in it."""
    burst_deviations: float = 0.65
    """Standard deviations of short-term load that are served without queueing. More costs idle replicas."""
    level_window_s: float = 300.0
    """Seconds over which the level and the trend of the load are measured: long enough to see a trend through noise."""
    most_growth: float = 1.25
    """Largest growth over the horizon that a trend is believed to bring, as a factor: a step is no endless ramp."""
    burst_bin_s: float = 15.0
    """Seconds of the bins in which bursts are measured: what a start-up cannot answer and a queue cannot hide."""
    burst_memory_s: float = 1800.0
    """Seconds after which a measured burst counts for 1/e of a fresh one."""
    fast_window_s: float = 60.0
    """Seconds over which a sudden load is believed, at least."""
    fast_residences: float = 2.0
    """The same in times that a request is in flight: a burst shorter than that never is in the engines as a whole."""
    answer_window_s: float = 300.0
    """Seconds over which generated tokens are set against arrivals, at least."""
    mix_memory_s: float = 120.0
    """Seconds over which mean prompt and answer lengths are smoothed."""
    backlog_s: float = 120.0
    """Seconds in which requests held at the gateway are to be worked off."""
    hold_window_s: float = 300.0
    """Seconds for which capacity once needed is kept: stopping and starting again costs more than waiting."""
    idle_window_s: float = 600.0
    """Seconds without a request after which a model may go to zero replicas, where its minimum allows."""
    shrink_share: float = 0.25
    """Largest part of a model's capacity given up in one decision."""
    stale_s: float = 60.0
    """Age in seconds from which a figure counts as unknown."""
    stuck_s: float = 120.0
    """Seconds without hardware after which a pending replica no longer counts as coming supply."""
    startup_quantile_deviations: float = 2.0
    """Mean absolute deviations added to the mean start-up time, for a horizon that most starts keep."""
    plan_valid_s: float = 60.0
    """Seconds for which a plan may still be carried out."""

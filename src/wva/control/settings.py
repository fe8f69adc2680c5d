"""How often the loop turns, and how long it waits for whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Times in seconds of the loop's clock."""

    interval_s: float = 15.0
    """Between turns. The reference's default, and a scrape interval that is usual."""
    early_gap_s: float = 0.5
    """Between the beginnings of a turn and of an early one after it: a request is taken within a second, and no more
    than two turns a second come of any number of requests."""
    body_limit_s: float = 10.0
    """For a body to say what is there, and to accept a plan."""
    metrics_limit_s: float = 10.0
    """For the readings."""
    hurried_s: float = 0.25
    """What is left to the readings once an early turn is asked for."""
    policy_limit_s: float = 10.0
    """For a decision. They take milliseconds; what takes longer than this hangs."""
    journal_limit_s: float = 5.0
    """For the disk to take a decision. The loop goes on without."""
    ticks_kept: int = 960
    """Turns that stay in memory for those who watch: four hours of the usual interval."""

    def __post_init__(self) -> None:
        for name in ("interval_s", "early_gap_s", "body_limit_s", "metrics_limit_s", "policy_limit_s"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")

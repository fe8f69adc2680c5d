"""How often the loop turns, and how long it waits for whom."""

from dataclasses import dataclass, fields


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
    shadow_limit_s: float = 2.0
    """For a decision of a shadow policy, for which those who watch have to wait."""
    journal_limit_s: float = 5.0
    """For the disk to take a decision. The loop goes on without."""
    ticks_kept: int = 960
    """Turns that stay in memory for those who watch: four hours of the usual interval."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise ValueError(f"{one.name} must be above 0, not {getattr(self, one.name)}")

"""How often the loop turns, and how long it waits for whom."""

from dataclasses import dataclass, fields, replace
from typing import Self


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

    @classmethod
    def paced(cls, interval_s: float, speed: float) -> Self:
        """The usual settings on a clock that runs so many times faster than the wall's.

        What others need does not shrink, because machines and disks are no faster; turns come as often as the fleet's
        time asks for, early ones at most ten times a second on the wall.
        """
        usual = cls(interval_s=interval_s)
        return replace(
            usual,
            early_gap_s=max(usual.early_gap_s, 0.1 * speed),
            body_limit_s=usual.body_limit_s * speed,
            metrics_limit_s=usual.metrics_limit_s * speed,
            hurried_s=usual.hurried_s * speed,
            policy_limit_s=usual.policy_limit_s * speed,
            shadow_limit_s=usual.shadow_limit_s * speed,
            journal_limit_s=usual.journal_limit_s * speed,
        )

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise ValueError(f"{one.name} must be above 0, not {getattr(self, one.name)}")

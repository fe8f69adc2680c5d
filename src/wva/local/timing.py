"""How long a fleet waits for its processes, and when it tries a failed one again."""

from dataclasses import dataclass
from typing import Self

from wva.local.schema import ReplicasSpec

FIRST_DELAY_S = 10.0
LONGEST_DELAY_S = 300.0
"""Delays before restarts after the first, as Kubernetes has them: 10 s, doubled up to five minutes."""
STABLE_S = 600.0
"""Time in service after which earlier failures are forgotten, as in Kubernetes."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Waits in the fleet's time. A speed above 1 shortens none of them below what a busy machine needs on the wall."""

    start_deadline_s: float
    drain_deadline_s: float
    stop_grace_s: float
    check_s: float
    hung_after_s: float
    kill_wait_s: float
    """How long the end of a killed process is waited for when the fleet closes."""
    least_delay_s: float
    """Shortest time before a restart after the first."""

    @classmethod
    def of(cls, spec: ReplicasSpec, speed: float) -> Self:
        """What a fleet's file asks for at this speed."""
        return cls(
            start_deadline_s=_paced(spec.start_deadline, speed, 60.0),
            drain_deadline_s=spec.drain_deadline,
            stop_grace_s=_paced(spec.stop_grace, speed, 5.0),
            check_s=_paced(spec.check, speed, 1.0),
            hung_after_s=_paced(spec.hung_after, speed, 10.0),
            kill_wait_s=10.0 * speed,
            least_delay_s=1.0 * speed,
        )

    def restart_delay_s(self, failures: int) -> float:
        """Seconds before the next start, after so many failures in a row; the first is tried again at once."""
        if failures <= 1:
            return 0.0
        # Above a dozen doublings the longest delay holds anyway.
        doubled = FIRST_DELAY_S * 2.0 ** min(failures - 2, 12)
        return max(self.least_delay_s, min(doubled, LONGEST_DELAY_S))


def _paced(seconds: float, speed: float, least_on_the_wall: float) -> float:
    """``seconds``, or longer where they would be shorter than the least on the wall; never longer at speed 1."""
    return max(seconds, min(seconds, least_on_the_wall) * speed)

"""What clients saw of the requests that a driver sent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMPLETED = "completed"
INCOMPLETE = "incomplete"
"""Under way when the driver was stopped."""
TIMEOUT = "timeout"
CONNECTION = "connection"
"""No connection, or none any more before the answer began."""
BROKEN = "broken"
"""The answer had begun and broke off, or brought an error."""


def refused(status: int) -> str:
    """The outcome of a request that was answered with a status other than 200."""
    return f"http_{status}"


@dataclass(slots=True, eq=False)
class Seen:
    """One row a request that was sent, in the workload's order. Times are in seconds of the clock since the start."""

    due_s: NDArray[np.float64]
    """When it was to be sent."""
    sent_s: NDArray[np.float64]
    """When it was sent; NaN before."""
    first_s: NDArray[np.float64]
    """When its first token came; NaN where none did."""
    end_s: NDArray[np.float64]
    """When it ended; NaN before."""
    tokens: NDArray[np.int64]
    """Of its answer."""
    outcome: list[str]
    """``completed``, or why it failed."""

    @classmethod
    def of(cls, due_s: NDArray[np.float64]) -> "Seen":
        """Nothing yet of requests that are due at these times."""
        count = len(due_s)
        sent_s, first_s, end_s = np.full((3, count), np.nan)
        return cls(due_s, sent_s, first_s, end_s, np.zeros(count, np.int64), [INCOMPLETE] * count)

    def first(self, count: int) -> "Seen":
        """The first so many requests."""
        return Seen(
            due_s=self.due_s[:count],
            sent_s=self.sent_s[:count],
            first_s=self.first_s[:count],
            end_s=self.end_s[:count],
            tokens=self.tokens[:count],
            outcome=self.outcome[:count],
        )

    @property
    def lateness_s(self) -> NDArray[np.float64]:
        """How much later than due each was sent: the driver's own fault."""
        late: NDArray[np.float64] = np.maximum(self.sent_s - self.due_s, 0.0)
        return late[~np.isnan(late)]

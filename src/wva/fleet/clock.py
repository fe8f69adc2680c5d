"""Time, as everything that lives in it sees it: real, faster than real, or virtual in tests."""

from typing import Protocol


class Clock(Protocol):
    """Where the loop and the edges get the time from, and by which they wait."""

    def utc(self) -> float:
        """Seconds since the epoch: what observations and plans carry."""

    def monotonic(self) -> float:
        """Seconds that never go back: what intervals, ages and deadlines are measured by."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds are over."""

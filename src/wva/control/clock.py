"""The real clock, and one that runs as many times faster as an emulated fleet does."""

import asyncio
import time

_STEP_S = 1.0
"""Difference between two clocks from which one of them was set, and did not just drift."""


class SystemClock:
    """The time of this machine; ``speed`` times faster than real where that is not 1.

    ``utc`` never goes back, because a journal's times and a memory's do not: where the machine's clock is set back, it
    goes on by itself, and where that is set forward, it follows.
    """

    def __init__(self, speed: float = 1.0, not_before: float = -float("inf")) -> None:
        """Start at the present time, or at ``not_before`` where that is later.

        A clock that ran faster than the world is ahead of it in the end; its successor goes on from there.
        """
        self._speed = speed
        self._started = time.monotonic()
        self._origin = max(time.time(), not_before)

    def utc(self) -> float:
        """Seconds since the epoch."""
        now = self._origin + self.monotonic()
        if self._speed == 1.0 and time.time() - now > _STEP_S:
            self._origin += time.time() - now
            return self._origin + self.monotonic()
        return now

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return (time.monotonic() - self._started) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Return when so many of this clock's seconds are over."""
        await asyncio.sleep(max(0.0, seconds) / self._speed)

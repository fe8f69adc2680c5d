"""The one clock of a live fleet.

A fleet of emulated replicas can live ``speed`` times as fast as the world: a start of 110 s takes 11 s on the wall at
speed 10. That holds together only if everything scales, so nothing is rescaled by hand: every figure in the fleet's
file, in observations, in policies and in prices is in the fleet's time, and whoever measures, waits or dates does so by
this clock. The replicas are told the speed by ``{speed}`` in their command, and the load is sent by this clock too.

What the machine itself needs does not shrink: a process takes as long to load and to exit at any speed. So a start
takes a little longer in the fleet's time than its variant declares, which policies measure, and deadlines for processes
keep a least length on the wall (``wva.local.timing``). A Prometheus server dates by the wall, so it needs speed 1.
"""

import asyncio
import time


class FleetClock:
    """The system's clock, sped up; it is the system's time when it is made."""

    def __init__(self, speed: float = 1.0) -> None:
        """Run ``speed`` times as fast as the wall's."""
        self.speed = speed
        self._utc = time.time()
        self._monotonic = time.monotonic()

    def utc(self) -> float:
        """Seconds since the epoch; at speed 1 the system's, corrections of its clock included."""
        return time.time() if self.speed == 1 else self._utc + self.monotonic() - self._monotonic

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._monotonic + (time.monotonic() - self._monotonic) * self.speed

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds of the fleet's time are over."""
        await asyncio.sleep(seconds / self.speed)

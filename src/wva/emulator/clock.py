"""Time of the modelled server: real time, or a multiple of it."""

from collections.abc import Callable
from time import monotonic

from wva.engine.batch.state import PICOSECONDS


class ModelClock:
    """Counts the modelled server's time from 0, ``speed`` times as fast as ``now_s`` passes.

    In int64 picoseconds it lasts for 106 days.
    """

    def __init__(self, speed: float = 1.0, now_s: Callable[[], float] = monotonic) -> None:
        """``now_s`` gives seconds that never go back."""
        self.speed = speed
        self._now_s = now_s
        self._origin = now_s()

    def now_ps(self) -> int:
        """Picoseconds of the modelled server's time since the clock was made."""
        return int((self._now_s() - self._origin) * self.speed * PICOSECONDS)

    def now(self) -> float:
        """Seconds of the modelled server's time since the clock was made."""
        return (self._now_s() - self._origin) * self.speed

    def real_s(self, model_s: float) -> float:
        """Real seconds that so many of the modelled server's take."""
        return model_s / self.speed

"""Turns what a pod says between two turns of the loop into an early one: requests wait, or its cache is full."""

from collections.abc import Callable

from wva.fleet.clock import Clock
from wva.fleet.readings import LoadReading

KV_USAGE = 0.8
"""Share of the KV cache from which a pod counts as full: the reference's ``kvCacheThreshold``."""
AGAIN_S = 5.0
"""Seconds after which a pod that stays above a threshold is told of once more: at first only the beginning was seen."""
PAUSE_S = 2.0
"""Seconds between two alarms: a fleet under load crosses thresholds all the time."""


class Alarm:
    """Is told of readings; call it with a pod's id and what it says."""

    def __init__(self, clock: Clock, raise_alarm: Callable[[str, frozenset[str]], None]) -> None:
        """``raise_alarm`` is called with a cause, in words, and the pods that it is about."""
        self._clock = clock
        self._raise = raise_alarm
        self._strained: dict[str, float] = {}
        """Pods that were above a threshold when they were last read, and when they are told of again."""
        self._raised_at = -float("inf")
        self._kept: dict[str, str] = {}
        """Causes by pod that came too early after the last alarm."""

    def __call__(self, pod: str, reading: LoadReading) -> None:
        """Raise the alarm if the pod has crossed a threshold upwards, and once more if it stays there."""
        now = self._clock.monotonic()
        cause = _strain(pod, reading)
        if cause is None:
            self._strained.pop(pod, None)
        elif self._is_news(pod, now):
            self._kept[pod] = cause
        if self._kept and now - self._raised_at >= PAUSE_S:
            self._raised_at = now
            kept, self._kept = self._kept, {}
            self._raise(next(iter(kept.values())), frozenset(kept))

    def _is_news(self, pod: str, now: float) -> bool:
        again_at = self._strained.get(pod)
        if again_at is not None and now < again_at:
            return False
        self._strained[pod] = now + AGAIN_S if again_at is None else float("inf")
        return True


def _strain(pod: str, reading: LoadReading) -> str | None:
    if reading.waiting is not None and reading.waiting >= 1.0:
        return f"requests wait at {pod}"
    if reading.kv_usage is not None and reading.kv_usage >= KV_USAGE:
        return f"the KV cache of {pod} is {reading.kv_usage:.0%} full"
    return None

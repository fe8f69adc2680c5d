"""Turns what a pod says between two turns of the loop into an early one: requests wait, or its cache is full."""

from collections.abc import Callable

from wva.fleet.clock import Clock
from wva.fleet.readings import LoadReading

KV_USAGE = 0.8
"""Share of the KV cache from which a pod counts as full: the reference's ``kvCacheThreshold``."""
PAUSE_S = 2.0
"""Seconds between two alarms: a fleet under load crosses thresholds all the time."""


class Alarm:
    """Is told of readings; call it with a pod's id and what it says."""

    def __init__(self, clock: Clock, raise_alarm: Callable[[str], None]) -> None:
        """``raise_alarm`` is called with a cause, in words."""
        self._clock = clock
        self._raise = raise_alarm
        self._strained: set[str] = set()
        """Pods that were above a threshold when they were last read."""
        self._raised_at = -float("inf")
        self._kept: str | None = None
        """A cause that came too early after the last."""

    def __call__(self, pod: str, reading: LoadReading) -> None:
        """Raise the alarm if the pod has crossed a threshold upwards."""
        cause = _strain(pod, reading)
        if cause is None:
            self._strained.discard(pod)
        elif pod not in self._strained:
            self._strained.add(pod)
            self._kept = self._kept or cause
        now = self._clock.monotonic()
        if self._kept is not None and now - self._raised_at >= PAUSE_S:
            self._raised_at = now
            cause, self._kept = self._kept, None
            self._raise(cause)


def _strain(pod: str, reading: LoadReading) -> str | None:
    if reading.waiting is not None and reading.waiting >= 1.0:
        return f"requests wait at {pod}"
    if reading.kv_usage is not None and reading.kv_usage >= KV_USAGE:
        return f"the KV cache of {pod} is {reading.kv_usage:.0%} full"
    return None

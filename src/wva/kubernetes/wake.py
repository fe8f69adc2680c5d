"""Turns requests that wait in front of a model at zero into an early turn of the loop."""

from collections.abc import Callable, Collection

from wva.fleet.clock import Clock

AGAIN_S = 5.0
"""Seconds until a queue that is still there asks once more: what the first turn did may have failed."""


class Waker:
    """Is told of queues; call it with a model's name and how many of its requests wait."""

    def __init__(self, clock: Clock, at_zero: Callable[[], Collection[str]], wake: Callable[[str], None]) -> None:
        """``at_zero`` gives the models without any replica, ``wake`` is called with one for which a request waits."""
        self._clock = clock
        self._at_zero = at_zero
        self._wake = wake
        self._asked: dict[str, float] = {}

    def __call__(self, model: str, queued: float) -> None:
        """Wake the model if it is at zero and something waits; a queue asks once, and again after a while."""
        if not queued > 0.0 or model not in self._at_zero():
            self._asked.pop(model, None)
            return
        now = self._clock.monotonic()
        last = self._asked.get(model)
        if last is None or now - last >= AGAIN_S:
            self._asked[model] = now
            self._wake(model)

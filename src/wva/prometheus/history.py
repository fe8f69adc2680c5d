"""The newest samples of some gauges and counters, and what queries over windows of them answer.

A window reaches back from the newest sample and holds what is just a window old. Rates are growth over the time between
the window's oldest and newest sample: Prometheus' ``rate`` without the extrapolation to the window's ends, so a young
replica's rate is neither made up nor too low. A counter that falls was reset, and what it shows has grown since.
"""

import math
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

LONG_S = 300.0
"""Window of rates and means, in seconds; older samples are dropped."""
SHORT_S = 60.0
"""Window of maxima, quantiles and the faster rates, in seconds."""
MOST_SAMPLES = 4096
"""Bound of what is kept: five minutes of samples 75 ms apart."""


@dataclass(frozen=True, slots=True)
class _Sample:
    time: float
    columns: "array[float]"
    """Gauges as they were, counters as if they had never been reset; NaN is unknown."""


class History:
    """Samples of ``gauges`` columns followed by columns that are counters."""

    __slots__ = ("_gauges", "_lost", "_samples", "newest")

    def __init__(self, gauges: int, counters: int) -> None:
        self._gauges = gauges
        self._samples: deque[_Sample] = deque(maxlen=MOST_SAMPLES)
        self.newest: tuple[float, ...] = (math.nan,) * (gauges + counters)
        """The newest sample as it was read, each counter's last known value where it was not read; NaN is unknown."""
        self._lost = [0.0] * (gauges + counters)
        """What each counter had counted before its resets."""

    @property
    def time(self) -> float | None:
        """When the newest sample was taken; ``None`` without any."""
        return self._samples[-1].time if self._samples else None

    def add(self, time: float, values: Sequence[float]) -> bool:
        """Take a sample in; NaN is unknown. One that is not newer than the newest is left out: tell whether it was."""
        if self._samples and time <= self._samples[-1].time:
            return False
        columns = array("d", values)
        for column in range(self._gauges, len(columns)):
            if values[column] < self.newest[column]:
                self._lost[column] += self.newest[column]
            columns[column] += self._lost[column]
        self.newest = tuple(
            before if column >= self._gauges and math.isnan(now) else now
            for column, (before, now) in enumerate(zip(self.newest, values, strict=True))
        )
        self._samples.append(_Sample(time, columns))
        while time - self._samples[0].time > LONG_S:
            self._samples.popleft()
        return True

    def value(self, column: int) -> float | None:
        """The newest sample's value."""
        return None if math.isnan(self._samples[-1].columns[column]) else self.newest[column]

    def maximum(self, column: int, window_s: float) -> float | None:
        """Largest known value in the window; unknown where the newest is."""
        if self.value(column) is None:
            return None
        newest = self._samples[-1].time
        # From the newest back, so that nothing older than the window is looked at.
        window = takewhile(lambda sample: newest - sample.time <= window_s, reversed(self._samples))
        return max(value for sample in window if not math.isnan(value := sample.columns[column]))

    def growth(self, column: int, window_s: float) -> tuple[float, float] | None:
        """How much a counter grew in the window, and in how many seconds; unknown until two samples say so."""
        last = self._samples[-1]
        if math.isnan(last.columns[column]):
            return None
        oldest = next(s for s in self._samples if last.time - s.time <= window_s and not math.isnan(s.columns[column]))
        seconds = last.time - oldest.time
        return (last.columns[column] - oldest.columns[column], seconds) if seconds > 0.0 else None

    def rate(self, column: int, window_s: float) -> float | None:
        """Growth per second."""
        grown = self.growth(column, window_s)
        return None if grown is None else grown[0] / grown[1]

    def ratio(self, numerator: int, denominator: int, window_s: float) -> float | None:
        """Growth of one counter for each unit that another grew; unknown where that did not grow."""
        above, below = self.growth(numerator, window_s), self.growth(denominator, window_s)
        if above is None or below is None or below[0] <= 0.0:
            return None
        return above[0] / below[0]

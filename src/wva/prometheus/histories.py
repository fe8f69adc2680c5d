"""Histories of many alike at once: what :class:`wva.prometheus.history.History` is of one, as arrays.

Twenty thousand engines are read in the time in which a few hundred are one by one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.prometheus.history import LONG_S, MOST_SAMPLES

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

_FIRST_DEPTH = 32
"""Samples that there is room for at first: those of the longest window, at the usual 15 s."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What counters of some rows grew by in a window; NaN where that is unknown."""

    by: Floats
    """By row and column, gauges included for what that is worth."""
    seconds: Floats
    """In how long."""


class Histories:
    """Samples of ``gauges`` columns followed by columns that are counters, for any number of rows."""

    def __init__(self, gauges: int, counters: int) -> None:
        self._gauges = gauges
        self._columns = gauges + counters
        self.count = np.zeros(0, np.int64)
        """Samples that each row ever had; the newest are kept."""
        self._times = np.zeros((0, _FIRST_DEPTH))
        self._values = np.zeros((0, _FIRST_DEPTH, self._columns))
        """By row, place in the row's ring, and column: gauges as they were, counters as if never reset."""
        self._newest = np.zeros((0, self._columns))
        self._lost = np.zeros((0, self._columns))

    @property
    def times(self) -> Floats:
        """When the newest sample of each row was taken; minus infinity without any."""
        newest = self._times[np.arange(len(self.count)), (self.count - 1) % self._depth]
        return np.where(self.count > 0, newest, -np.inf)

    @property
    def _depth(self) -> int:
        return self._times.shape[1]

    def clear(self, rows: Rows) -> None:
        """Begin these rows anew; rows beyond the last are made."""
        more = int(rows.max(initial=-1)) + 1 - len(self.count)
        if more > 0:
            more = max(more, len(self.count) // 2)
            for name in ("count", "_times", "_values", "_newest", "_lost"):
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros((more, *old.shape[1:]), old.dtype)]))
        self.count[rows] = 0
        self._newest[rows] = np.nan
        self._lost[rows] = 0.0

    def add(self, rows: Rows, times: Floats, values: Floats) -> None:
        """Take in a sample of each of these rows, newer than its newest; NaN is unknown."""
        self._deepen(rows, times)
        columns = values.copy()
        counters = np.s_[:, self._gauges :]
        newest, lost = self._newest[rows], self._lost[rows]
        reset = values[counters] < newest[counters]
        lost[counters] += np.where(reset, newest[counters], 0.0)
        columns[counters] += lost[counters]
        known = values.copy()
        known[counters] = np.where(np.isnan(values[counters]), newest[counters], values[counters])
        self._newest[rows], self._lost[rows] = known, lost
        place = self.count[rows] % self._depth
        self._times[rows, place] = times
        self._values[rows, place] = columns
        self.count[rows] += 1

    def values(self, rows: Rows) -> Floats:
        """The newest sample of each row."""
        return np.where(np.isnan(self._last(rows)), np.nan, self._newest[rows])

    def maximum(self, rows: Rows, columns: list[int], window_s: float) -> Floats:
        """Largest known values of some columns in the window; unknown where the newest is."""
        last = self._last(rows)[:, columns]
        most = last.copy()
        within = self._within(rows, window_s)
        for back in range(1, int(within.max(initial=1))):
            place = (self.count[rows] - 1 - back) % self._depth
            values = self._values[rows, place][:, columns]
            np.fmax(most, np.where((back < within)[:, None], values, np.nan), out=most)
        return np.where(np.isnan(last), np.nan, most)

    def growth(self, rows: Rows, window_s: float) -> Growth:
        """How much each column grew in the window; unknown until two samples say so."""
        last = self._last(rows)
        last_time = self._times[rows, (self.count[rows] - 1) % self._depth][:, None]
        first, first_time = last.copy(), np.broadcast_to(last_time, last.shape).copy()
        found = np.isnan(last)
        begin = self.count[rows] - self._within(rows, window_s)
        left = np.arange(len(rows))
        while len(left):
            # Nearly always the window's oldest sample has all columns, so that this is done once.
            place = begin[left] % self._depth
            values = self._values[rows[left], place]
            fits = ~found[left] & ~np.isnan(values)
            first[left] = np.where(fits, values, first[left])
            first_time[left] = np.where(fits, self._times[rows[left], place][:, None], first_time[left])
            found[left] |= fits
            begin[left] += 1
            left = left[~found[left].all(axis=1) & (begin[left] < self.count[rows[left]])]
        seconds = last_time - first_time
        known = seconds > 0.0
        return Growth(np.where(known, last - first, np.nan), np.where(known, seconds, np.nan))

    def _last(self, rows: Rows) -> Floats:
        found: Floats = self._values[rows, (self.count[rows] - 1) % self._depth]
        return found

    def _within(self, rows: Rows, window_s: float) -> NDArray[np.int64]:
        """How many of each row's newest samples lie within the window."""
        kept = np.minimum(self.count[rows], self._depth)
        last = (self.count[rows] - 1) % self._depth
        times = self._times[rows]
        back = (last[:, None] - np.arange(self._depth)) % self._depth
        newest = times[np.arange(len(rows)), last][:, None]
        within: NDArray[np.int64] = ((newest - times <= window_s) & (back < kept[:, None])).sum(axis=1)
        return within

    def _deepen(self, rows: Rows, times: Floats) -> None:
        """Make room where the oldest sample would be lost before it is older than the longest window."""
        depth = self._depth
        oldest = self._times[rows, self.count[rows] % depth]
        if depth >= MOST_SAMPLES or not np.any((self.count[rows] >= depth) & (times - oldest <= LONG_S)):
            return
        place = np.arange(len(self.count))[:, None]
        # The ring of so many kept ones continues in a larger one where it would have.
        kept = np.maximum(self.count - depth, 0)[:, None] + np.arange(depth)
        more_times = np.zeros((len(self.count), 2 * depth))
        more_values = np.zeros((len(self.count), 2 * depth, self._columns))
        more_times[place, kept % (2 * depth)] = self._times[place, kept % depth]
        more_values[place, kept % (2 * depth)] = self._values[place, kept % depth]
        self._times, self._values = more_times, more_values

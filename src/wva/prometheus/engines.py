"""The engines of a whole fleet, from what a Prometheus server has of them.

Answers are gathered one by one, each as arrays of samples; then all of them are taken at once: a sample of an engine is
what all metrics together say of one scrape.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from wva.fleet.readings import InstanceReading
from wva.prometheus.families import ENGINE_ASKED, ENGINE_DECIDING, ENGINE_GAUGES, EngineColumn
from wva.prometheus.figures import Figures, instance_readings
from wva.prometheus.histories import Floats, Histories, Rows
from wva.prometheus.history import LONG_S
from wva.prometheus.labels import Labels
from wva.prometheus.lanes import Lanes
from wva.prometheus.points import cache_tokens
from wva.prometheus.series import Progress, SeriesReader
from wva.prometheus.storing import STORING_S

NAMES = tuple(dict.fromkeys(name for names in ENGINE_ASKED.values() for name in names))
_PLACES = {name: place for place, name in enumerate(NAMES)}
_MOST_GONE = 16
"""One part in so many of the targets may be gone before they are forgotten: that takes a look at every one."""

Bools = NDArray[np.bool_]
K = TypeVar("K", bound=np.generic)


@dataclass(frozen=True, slots=True)
class _Samples:
    """Samples of any series: what of, of which lane and target, when, and how much."""

    names: Rows
    lanes: Rows
    targets: Rows
    times: Floats
    values: Floats

    def where(self, chosen: Bools) -> "_Samples":
        """Some of them."""
        if chosen.all():
            return self
        return _Samples(
            self.names[chosen], self.lanes[chosen], self.targets[chosen], self.times[chosen], self.values[chosen]
        )


@dataclass(slots=True)
class _Configuration(Progress):
    """How large the cache of one engine is."""

    server: tuple[str, str]
    tokens: float
    """NaN is unknown."""


class Engines:
    """What is known of all engines."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._lanes = Lanes(labels)
        self._histories = Histories(ENGINE_GAUGES, ENGINE_DECIDING - ENGINE_GAUGES)
        self._believed: Bools = np.zeros(0, np.bool_)
        """Whether each target's newest sample can be so."""
        self._capacities: Floats = np.zeros(0)
        """KV-cache tokens of each target as last reported; NaN is unknown."""
        self._had: Bools = np.zeros((0, len(NAMES)), np.bool_)
        """The metrics that each lane's last scrape had."""
        self._gathered: list[tuple[Rows, Rows, Floats, Floats]] = []
        """Names, lanes, times and values of samples."""
        self._answered = np.zeros(len(NAMES), np.bool_)
        self._configured = SeriesReader(self._configuration)

    def begin(self) -> None:
        """Forget what was gathered and not taken."""
        self._gathered = []
        self._answered[:] = False

    def gather(self, names: Iterable[str], body: bytes) -> None:
        """Read an answer about these metrics. Raises ``RefusedError`` where it cannot be read."""
        found = self._lanes.series.read(body)
        places = np.array([_PLACES[name] for name, _ in found.names], np.intp)
        names_of = np.repeat(places, np.array([count for _, count in found.names], np.intp))
        lanes = np.array([lane.number for lane in found.of], np.intp)
        self._gathered.append((names_of, lanes, found.times, found.values))
        self._answered[[_PLACES[name] for name in names]] = True

    def take(self, at: float) -> list[str]:
        """Take in what was gathered, as of an instant of the server; give what cannot be so, one line each."""
        self._settle()
        problems: list[str] = []
        if self._gathered:
            names, lanes, times, values = (np.concatenate(part) for part in zip(*self._gathered, strict=True))
            target_of = np.array([lane.target for lane in self._lanes.lanes], np.intp)
            left = _Samples(names, lanes, target_of[lanes], times, values)
            touched = np.flatnonzero(np.bincount(lanes))
            left = left.where(left.times > self._histories.times[left.targets])
            while len(left.times):
                left = self._take_first(left, at, problems)
            self._mark(touched)
        self.begin()
        return problems

    def take_capacities(self, body: bytes) -> None:
        """Read an answer about the configuration of caches. Raises ``RefusedError`` where it cannot be read."""
        self._settle()
        known = self._lanes.targets
        told = [one for one in self._configured.present(body) if one.server in known]
        targets = np.array([known[one.server] for one in told], np.intp)
        sums = np.bincount(targets, [one.tokens for one in told], len(self._capacities))
        self._capacities[targets] = sums[targets]

    def readings(self, instances: Sequence[str], now: float) -> dict[str, InstanceReading]:
        """What those of these instances report of which something is known, as old as it is at ``now``."""
        known = self._lanes.of_instance
        rows: list[int] = []
        owners: list[int] = []
        for place, name in enumerate(instances):
            for target in known.get(name, ()):
                rows.append(target)
                owners.append(place)
        rows_of, owner = np.array(rows, np.intp), np.array(owners, np.intp)
        kept = now - self._histories.times[rows_of] <= LONG_S
        rows_of, owner = rows_of[kept], owner[kept]
        read = Figures.of(self._histories, rows_of, self._believed[rows_of], self._capacities[rows_of])
        return instance_readings(read, [instances[place] for place in owner.tolist()], now)

    def forget(self, now: float) -> None:
        """Let go of what was not seen for as long as the longest window."""
        self._settle()
        targets = np.fromiter(self._lanes.targets.values(), np.intp)
        gone = targets[now - self._histories.times[targets] > LONG_S]
        if len(gone) * _MOST_GONE > len(targets):
            forgotten = set(gone.tolist())
            self._had[[lane.number for lane in self._lanes.lanes if lane.target in forgotten]] = False
            self._lanes.forget(forgotten)
            self._configured.forget(lambda one: one.server not in self._lanes.targets)

    def _configuration(self, labels: dict[str, str]) -> _Configuration | None:
        server = self._labels.engine(labels)
        tokens = cache_tokens(labels)
        return None if server is None else _Configuration(server, math.nan if tokens is None else tokens)

    def _settle(self) -> None:
        """Make room for targets and lanes that are new."""
        fresh, self._lanes.fresh = np.array(self._lanes.fresh, np.intp), []
        self._histories.clear(fresh)
        self._believed = _longer(self._believed, len(self._histories.count))
        self._capacities = _longer(self._capacities, len(self._histories.count))
        self._believed[fresh], self._capacities[fresh] = False, math.nan
        self._had = _longer(self._had, len(self._lanes.lanes))

    def _take_first(self, left: _Samples, at: float, problems: list[str]) -> _Samples:
        """Take in each target's first scrape; give the samples of later ones."""
        count = len(self._histories.count)
        first = np.full(count, np.inf)
        np.minimum.at(first, left.targets, left.times)
        targets = np.flatnonzero(first < np.inf)
        now = left.times == first[left.targets]
        later = left.where(~now)
        chosen = self._by_one_scraper(left.where(now), count)
        lane_of = np.zeros(count, np.intp)
        lane_of[chosen.targets] = chosen.lanes
        lanes = lane_of[targets]
        cell = chosen.targets * len(NAMES) + chosen.names
        shape = count, len(NAMES)
        counts = np.bincount(cell, minlength=count * len(NAMES)).reshape(shape)[targets]
        sums = np.bincount(cell, chosen.values, count * len(NAMES)).astype(float).reshape(shape)[targets]
        has = counts > 0
        # A scrape that was stored while the queries ran was found by some and not by others: it is new, and lacks what
        # the same scraper's last one had. It is whole by the next turn.
        had = self._had[lanes] & self._answered
        torn = (first[targets] > at - STORING_S) & ~(has & ~had).any(axis=1) & (had & ~has).any(axis=1)
        self._had[lanes[~torn]] = has[~torn]
        columns = _columns(sums, counts)
        odd = self._odd(chosen, columns, targets, torn, problems)
        self._believed[targets[odd]] = False
        good = ~torn & ~odd
        rows = targets[good]
        self._histories.add(rows, first[rows], columns[good])
        # An engine knows how many requests are running, so a sample without that number is of none.
        self._believed[rows] = ~np.isnan(columns[good, EngineColumn.RUNNING])
        return later

    def _by_one_scraper(self, found: _Samples, count: int) -> _Samples:
        """Of scrapes of one target at one instant, those of the first scraper by name."""
        if len(self._lanes.lanes) == len(self._lanes.names):
            return found
        rank = self._lanes.ranks()[found.lanes]
        best = np.full(count, len(self._lanes.lanes))
        np.minimum.at(best, found.targets, rank)
        return found.where(rank == best[found.targets])

    def _odd(self, chosen: _Samples, columns: Floats, targets: Rows, torn: Bools, problems: list[str]) -> Bools:
        """Targets of which something cannot be so."""
        wrong = ~(np.isfinite(chosen.values) & (chosen.values >= 0.0))
        full = columns[:, EngineColumn.KV_USAGE] > 1.0
        odd = (np.isin(targets, chosen.targets[wrong]) | full) & ~torn
        for target in targets[odd]:
            name = self._lanes.names[target]
            values = np.flatnonzero(wrong & (chosen.targets == target))
            if len(values):
                problems.append(f"{name}: {NAMES[chosen.names[values[0]]]} is {chosen.values[values[0]]:g}")
            else:
                usage = columns[targets == target, EngineColumn.KV_USAGE][0]
                problems.append(f"{name}: a KV usage of {usage:g}")
        return odd

    def _mark(self, touched: Rows) -> None:
        """Have the samples that were taken in passed over next time."""
        times = self._histories.times
        for number in touched.tolist():
            lane = self._lanes.lanes[number]
            if lane.time <= times[lane.target]:
                lane.pass_over()


def _columns(sums: Floats, counts: Rows) -> Floats:
    """The columns of samples, of each metric's sum and number of series: the first of a column's names counts."""
    found = np.full((len(sums), ENGINE_DECIDING), np.nan)
    for column, names in ENGINE_ASKED.items():
        for place in (NAMES.index(name) for name in reversed(names)):
            number = counts[:, place]
            values = sums[:, place] / np.maximum(1, number) if column is EngineColumn.KV_USAGE else sums[:, place]
            found[:, column] = np.where(number > 0, values, found[:, column])
    return found


def _longer(array: NDArray[K], length: int) -> NDArray[K]:
    more = max(0, length - len(array))
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)]) if more else array

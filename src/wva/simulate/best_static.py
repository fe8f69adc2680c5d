"""The cheapest static fleet for a traffic that is known in full: what a planner with hindsight would have rented."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.fleet.errors import UserError
from wva.simulate.run import Setting
from wva.simulate.static_fleet import StaticRuns
from wva.workload.merge import Workload

MOST_FLEETS = 500_000
_CONSIDERED = 128
"""Fleets among which the next to run is chosen."""

Counts = tuple[int, ...]
"""Replicas of each variant."""


@dataclass(frozen=True, slots=True)
class BestStatic:
    """What was found."""

    replicas: Mapping[str, int]
    """Replicas by variant."""
    attainment: float
    """Share of the offered requests that it met."""
    attainable: float
    """Share that some empty replica would meet."""
    reached: bool
    """Whether the target was reached; where not, no fleet attains more than this one."""
    runs: int
    """Static runs that the search took."""


def find_best_static(
    setting: Setting,
    workload: Workload,
    seed: int,
    target: float,
    progress: Callable[[int], None] | None = None,
) -> BestStatic:
    """The cheapest fleet within the variants' bounds that meets ``target`` of the attainable requests.

    Where none does, it is the cheapest of those that meet most. ``progress`` is told how many runs are done.

    Raises:
        UserError: There are more fleets than ``MOST_FLEETS``.

    """
    names = [variant.name for variant in setting.variants]
    runs = StaticRuns(setting, workload, seed)
    known: dict[Counts, float] = {}

    def attainment(counts: Counts) -> float:
        if counts not in known:
            if progress is not None:
                progress(runs.runs)
            known[counts] = runs.attainment(dict(zip(names, counts, strict=True)))
        return known[counts]

    fleets = every_fleet([range(v.min_replicas, v.max_replicas + 1) for v in setting.variants])
    costs = fleets @ np.array([variant.cost_per_hour for variant in setting.variants])
    best = cheapest(fleets, costs, lambda counts: attainment(counts) >= target * runs.attainable)
    reached = best is not None
    if best is None:
        most = max(known.values())
        best = cheapest(fleets, costs, lambda counts: attainment(counts) >= most)
        # More replicas nearly never do worse: the one that did best may have been ruled out by a larger one.
        best = best or next(counts for counts, share in known.items() if share == most)
    replicas = dict(zip(names, best, strict=True))
    return BestStatic(replicas, known[best], runs.attainable, reached, runs.runs)


def every_fleet(counts: Sequence[range]) -> NDArray[np.int64]:
    """Every combination of counts, shape (fleets, variants).

    Raises:
        UserError: They are more than ``MOST_FLEETS``.

    """
    number = math.prod(len(choices) for choices in counts)
    if number > MOST_FLEETS:
        raise UserError(
            f"static-best would search {number:,} fleets; lower the variants' max to {MOST_FLEETS:,} or fewer"
        )
    return np.array(list(itertools.product(*counts)), np.int64)


def cheapest(
    fleets: NDArray[np.int64], costs: NDArray[np.float64], suffices: Callable[[Counts], bool]
) -> Counts | None:
    """The cheapest fleet that suffices, or None.

    ``fleets`` has shape (fleets, variants), ``costs`` (fleets,). More replicas never do worse: a fleet of which every
    count is at most that of one that does not suffice is not tried.
    """
    order = np.argsort(costs, kind="stable")
    fleets, costs = fleets[order], costs[order]
    best: Counts | None = None
    while len(fleets):
        index = _most_telling(fleets, costs)
        counts: Counts = tuple(fleets[index].tolist())
        if suffices(counts):
            best = counts
            keep = costs < costs[index] - 1e-9
        else:
            keep = np.any(fleets > fleets[index], axis=1)
        fleets, costs = fleets[keep], costs[keep]
    return best


def _most_telling(fleets: NDArray[np.int64], costs: NDArray[np.float64]) -> int:
    """The fleet whose run rules out most others, whichever way it ends; ``costs`` ascend."""
    considered = np.unique(np.linspace(0, len(fleets) - 1, _CONSIDERED).astype(np.int64))
    if_sufficient = len(fleets) - np.searchsorted(costs, costs[considered] - 1e-9)
    if_not = np.array([np.count_nonzero(np.all(fleets <= fleets[index], axis=1)) for index in considered])
    return int(considered[np.argmax(np.minimum(if_sufficient, if_not))])

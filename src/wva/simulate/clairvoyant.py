"""A schedule of replicas for a traffic that is known in full: what can be reached, to set beside the bound on cost.

The need of the traffic, times a margin, is covered by the cheapest path of whole replicas; what it leaves uncovered
costs a multiple of what a replica would. The margin makes up for what the need does not know: how a router spreads
requests, that steps are not cut, that batches are not always full. For each of several costs of a shortage the search
halves the margin's range between too little and enough, by running the schedule; the cheapest that suffices wins.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wva.policies.schedule import SchedulePolicy, Steps
from wva.simulate.cheapest_path import Choice, cheapest_path
from wva.simulate.met import count_met
from wva.simulate.need import Need, needs, slot_length_s
from wva.simulate.run import Setting, simulate
from wva.workload.merge import Workload

SHORTAGE_PRICES = (1.15, 2.0, 5.0, 20.0, 1000.0)
"""What a unit of need that is not covered costs, in units of the cheapest capacity."""
MARGINS = (0.6, 2.8)
"""The least and the largest margin tried."""
HALVINGS = 5
"""Runs for each price of a shortage."""
LAST_HALVINGS = 3
"""Further runs for the best price."""
MOST_RUNS = (len(SHORTAGE_PRICES) + 2) * HALVINGS + LAST_HALVINGS
"""Schedules that a search runs at most."""

_SECONDS_PER_HOUR = 3600.0

Schedule = Mapping[str, Steps]


@dataclass(frozen=True, slots=True)
class Clairvoyant:
    """What was found."""

    schedule: Schedule
    """Steps (from when on in seconds, replicas) by variant."""
    cost: float
    attainment: float
    """Share of the offered requests that it met."""
    attainable: float
    """Share that some empty replica would meet."""
    reached: bool
    """Whether the target was reached; where not, no schedule that was tried attains more than this one."""
    margin: float
    shortage_price: float
    tried: tuple[tuple[float, float], ...] = ()
    """Attainment and cost of every schedule that the search ran, in its order."""

    @property
    def runs(self) -> int:
        """Schedules that the search ran."""
        return len(self.tried)


def find_clairvoyant(
    setting: Setting,
    workload: Workload,
    seed: int,
    target: float,
    progress: Callable[[int], None] | None = None,
) -> Clairvoyant:
    """Search for a cheap schedule that meets ``target`` of the attainable requests.

    Replicas are ordered a start and a control interval before they are needed. ``progress`` is told how many runs are
    done.

    Raises:
        UserError: The variants allow too many fleets to look at.

    """
    search = _Search(setting, workload, seed, target, progress)
    for price in SHORTAGE_PRICES:
        search.halve(price, HALVINGS)
    # Between the best price and its neighbours there may be a better one.
    best = SHORTAGE_PRICES.index(search.best().shortage_price)
    for other in (best - 1, best + 1):
        if 0 <= other < len(SHORTAGE_PRICES):
            search.halve(math.sqrt(SHORTAGE_PRICES[best] * SHORTAGE_PRICES[other]), HALVINGS)
    search.halve(search.best().shortage_price, LAST_HALVINGS)
    return search.best()


class _Search:
    def __init__(
        self,
        setting: Setting,
        workload: Workload,
        seed: int,
        target: float,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._setting = setting
        self._workload = workload
        self._seed = seed
        self._target = target
        self._progress = progress
        self._needs = needs(setting, workload)
        self._slot_s = slot_length_s(setting, workload)
        self._tried: list[Clairvoyant] = []
        self._margins: dict[float, tuple[float, float]] = {}

    def best(self) -> Clairvoyant:
        """The cheapest that reached the target, else the one that attained most."""
        reached = [one for one in self._tried if one.reached]
        if reached:
            found = min(reached, key=lambda one: one.cost)
        else:
            found = max(self._tried, key=lambda one: (one.attainment, -one.cost))
        return replace(found, tried=tuple((one.attainment, one.cost) for one in self._tried))

    def halve(self, shortage_price: float, times: int) -> None:
        """Look for the least margin that suffices at one price of a shortage, from where the last look ended."""
        low, high = self._margins.get(shortage_price, MARGINS)
        for _ in range(times):
            margin = math.sqrt(low * high)
            if self._run(margin, shortage_price).reached:
                high = margin
            else:
                low = margin
        self._margins[shortage_price] = (low, high)

    def _run(self, margin: float, shortage_price: float) -> Clairvoyant:
        if self._progress is not None:
            self._progress(len(self._tried))
        schedule = self._schedule(margin, shortage_price)
        result = simulate(self._setting, self._workload, SchedulePolicy(replicas=schedule), self._seed)
        offered = len(result.requests)
        attainment, attainable = count_met(result.requests, result.models) / offered, float(np.mean(result.attainable))
        pairs = zip(result.use, result.variants, strict=True)
        run = Clairvoyant(
            schedule=schedule,
            cost=sum(use.billed_hours * variant.cost_per_hour for use, variant in pairs),
            attainment=attainment,
            attainable=attainable,
            reached=attainment >= self._target * attainable,
            margin=margin,
            shortage_price=shortage_price,
        )
        self._tried.append(run)
        return run

    def _schedule(self, margin: float, shortage_price: float) -> Schedule:
        schedule: dict[str, Steps] = {}
        for need in self._needs:
            wanted = need.replicas * margin
            choices = self._choices(need, float(wanted.max(initial=0.0)))
            unit = min(choice.cost / choice.speed for choice in choices)
            path = cheapest_path(choices, wanted, shortage_price * unit)
            for column, place in enumerate(need.variants):
                variant = self._setting.variants[place]
                lead_s = variant.startup_s + self._setting.scenario.control.interval
                schedule[variant.name] = _steps(path[:, column], self._slot_s, lead_s)
        return schedule

    def _choices(self, need: Need, peak: float) -> Sequence[Choice]:
        choices = []
        for place, speed in zip(need.variants, need.speeds, strict=True):
            variant = self._setting.variants[place]
            most = min(variant.max_replicas, variant.min_replicas + math.ceil(peak / speed))
            second = variant.cost_per_hour / _SECONDS_PER_HOUR
            choices.append(
                Choice(
                    counts=range(variant.min_replicas, most + 1),
                    initial=self._setting.scenario.variants[place].initial,
                    speed=speed,
                    cost=second * self._slot_s,
                    start_cost=second * variant.startup_s,
                )
            )
        return choices


def _steps(needed: NDArray[np.int64], slot_s: float, lead_s: float) -> Steps:
    """When to want how many, so that those that are needed in a slot are ready in it."""
    ahead = math.ceil(lead_s / slot_s)
    padded = np.concatenate([needed, np.repeat(needed[-1:], ahead)])
    wanted = np.lib.stride_tricks.sliding_window_view(padded, ahead + 1).max(axis=1)
    changes = np.flatnonzero(np.diff(wanted, prepend=wanted[0] - 1))
    return tuple((float(slot * slot_s), int(wanted[slot])) for slot in changes)

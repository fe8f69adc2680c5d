"""Paths of rents that make no replica profitable, and the search for one at which requests pay much.

The search goes through time slot by slot over two things: the rent, one of a few levels, and how much of a start the
rents so far would have paid back. Requests count in it with the rent of the slot in which they arrive. Where the rent
falls, those that still have time buy cheaper, which is taken off for all of them at once. That is not what they pay,
but close to it; ``ledger`` says what they pay.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wva.engine.compiled import entry_point, inlined
from wva.simulate.bound.market import UNAFFORDABLE, Floats, Market, Slots

_BELOW = (0.0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0)
_ABOVE = (1.05, 1.1, 1.2, 1.35, 1.6, 2.0, 2.5, 3.2, 4.2, 6.0, 9.0, 14.0, 22.0, 35.0)
PAYBACK_STEPS = 220
"""Parts of a start in which payback is counted."""
_IMPOSSIBLE = -1e300
_SEARCHED = 400_000
"""Requests that the search looks at, evenly chosen of more."""


def most_profit(rents: Floats, slot_s: float) -> float:
    """The most that ``rents - 1`` adds up to over any run of slots, in seconds."""
    most = running = 0.0
    for rent in rents.tolist():
        running = max(running, 0.0) + (rent - 1.0) * slot_s
        most = max(most, running)
    return most


def unprofitable(market: Market, rents: Floats) -> bool:
    """Whether no replica earns more than it costs: one that starts, one that is there, one that leaves its seat."""
    tolerance = 1e-9 * market.slot_s * len(rents)
    early = float(np.max(np.cumsum(rents[:-1] - 1.0), initial=0.0)) * market.slot_s
    afterwards = rents[:-1][market.in_window_s < market.slot_s]
    return (
        most_profit(rents[:-1], market.slot_s) <= market.start_s + tolerance
        and early <= tolerance
        and bool(np.all(afterwards <= 1.0))
        and float(rents.min()) >= 0.0
        and float(rents[-1]) <= 1.0
    )


@entry_point
def _fill(
    prompt_cost: Floats,
    answer_cost: Floats,
    arrival: Slots,
    met_first: Slots,
    met_last: Slots,
    weights: Floats,
    unmet: Floats,
    met_price: float,
    every: int,
    levels: Floats,
    paid: Floats,
    saved: Floats,
) -> None:
    """Add up, for each level, what is paid by those that arrive in a slot, and what is at stake when the rent falls."""
    for request in range(0, arrival.size, every):
        whole = np.inf
        prompt = answer = 0.0
        for variant in range(weights.size):
            own_prompt = weights[variant] * prompt_cost[request, variant]
            own_answer = weights[variant] * answer_cost[request, variant]
            whole = min(whole, own_prompt + own_answer)
            if prompt_cost[request, variant] < UNAFFORDABLE:
                prompt = max(prompt, own_prompt)
                answer = max(answer, own_answer)
        # Above this rent the request is not met, and a fall of the rent saves it nothing.
        highest = (unmet[request] + met_price) / whole
        slot = arrival[request]
        for level in range(levels.size):
            rent = levels[level]
            counted = min(rent, highest)
            paid[slot, level] += every * min(rent * whole - met_price, unmet[request])
            saved[slot + 1, level] += every * (prompt + answer) * counted
            saved[met_first[request] + 1, level] -= every * prompt * counted
            saved[met_last[request] + 1, level] -= every * answer * counted
    for slot in range(1, saved.shape[0]):
        for level in range(levels.size):
            saved[slot, level] += saved[slot - 1, level]


@inlined
def _move(value: Floats, saved: Floats, payback: int, best: Floats, came: NDArray[np.int8]) -> bool:
    """Find the best level to come from for each level, at one payback; tell whether there is any.

    A rise is free; a fall loses what was saved at the one level and is not at the other.
    """
    top = _IMPOSSIBLE
    origin = 0
    for level in range(best.size):
        if value[level, payback] > top:
            top, origin = value[level, payback], level
        best[level], came[level] = top, origin
    reached = top > _IMPOSSIBLE
    top = _IMPOSSIBLE
    for level in range(best.size - 1, -1, -1):
        fallen = value[level, payback] - saved[level]
        if value[level, payback] > _IMPOSSIBLE and fallen > top:
            top, origin = fallen, level
        if top > _IMPOSSIBLE and top + saved[level] > best[level]:
            best[level], came[level] = top + saved[level], origin
    return reached


@inlined
def _end(value: Floats, saved: Floats) -> tuple[int, int]:
    """The best (level, payback) to end at, before the rent falls to the lowest level."""
    top = _IMPOSSIBLE
    level = payback = 0
    for one in range(value.shape[0]):
        for other in range(value.shape[1]):
            if value[one, other] > _IMPOSSIBLE and value[one, other] - saved[one] > top:
                top, level, payback = value[one, other] - saved[one], one, other
    return level, payback


@entry_point
def _climb(
    paid: Floats,
    saved: Floats,
    seats: Floats,
    highest: NDArray[np.int64],
    levels: Floats,
    steps: NDArray[np.int64],
    start: int,
    value: Floats,
    following: Floats,
    best: Floats,
    came: NDArray[np.int8],
    level_before: NDArray[np.int8],
    payback_before: NDArray[np.int16],
    path: NDArray[np.int64],
) -> None:
    """Write the best level of each slot into ``path``.

    ``seats`` is what seats cost beyond a rent of 0, ``highest`` the highest level of each slot, ``steps`` what a slot
    at each level adds to the payback, which begins at ``start``. ``value`` and ``following`` have shape (levels,
    paybacks).
    """
    value[:] = _IMPOSSIBLE
    value[:, start] = 0.0
    for slot in range(path.size):
        following[:] = _IMPOSSIBLE
        for payback in range(value.shape[1]):
            if not _move(value, saved[slot], payback, best, came):
                continue
            for level in range(highest[slot] + 1):
                after = max(payback + steps[level], 0)
                gain = best[level] + paid[slot, level] + seats[slot] * (1.0 - levels[level])
                if best[level] > _IMPOSSIBLE and after < value.shape[1] and gain > following[level, after]:
                    following[level, after] = gain
                    level_before[slot, level, after] = came[level]
                    payback_before[slot, level, after] = payback
        for level in range(value.shape[0]):
            for payback in range(value.shape[1]):
                value[level, payback] = following[level, payback]
    level, payback = _end(value, saved[path.size])
    for slot in range(path.size - 1, -1, -1):
        path[slot] = level
        before = level_before[slot, level, payback]
        payback = payback_before[slot, level, payback]
        level = before


@dataclass(slots=True)
class RentSearch:
    """Searches one market; keeps its scratch memory from one search to the next."""

    market: Market
    _level_before: NDArray[np.int8] = field(init=False)
    _payback_before: NDArray[np.int16] = field(init=False)

    def __post_init__(self) -> None:
        """Allocate."""
        shape = (self.market.slots, len(_BELOW) + len(_ABOVE), self._paybacks)
        self._level_before = np.zeros(shape, np.int8)
        self._payback_before = np.zeros(shape, np.int16)

    @property
    def _paybacks(self) -> int:
        return PAYBACK_STEPS + 1 if self.market.start_s > 0 else 1

    @property
    def _unit_s(self) -> float:
        return self.market.start_s / PAYBACK_STEPS if self.market.start_s > 0 else self.market.slot_s / PAYBACK_STEPS

    def _levels(self, lowest: float) -> tuple[Floats, NDArray[np.int64]]:
        """Rents from ``lowest`` up, and what a slot at each adds to the payback in whole steps, rounded up.

        Above 1 the rents are those that take whole steps.
        """
        step = self._unit_s / self.market.slot_s
        below = np.array([rent for rent in _BELOW if rent >= lowest])
        above = np.unique(np.rint((np.array(_ABOVE) - 1.0) / step).astype(np.int64))
        above = above[above > 0]
        steps = np.ceil((below - 1.0) / step - 1e-9).astype(np.int64)
        return np.append(below, 1.0 + above * step), np.append(steps, above)

    def find(self, weights: Floats, lowest: float, met_price: float, unmet: Floats) -> Floats:
        """Rents of all slots and of the time after them, none below ``lowest``; each replica is unprofitable at them.

        ``unmet`` is what each request pays when it is not met.
        """
        market = self.market
        levels, steps = self._levels(lowest)
        paid = np.zeros((market.slots, len(levels)))
        saved = np.zeros((market.slots + 2, len(levels)))
        every = max(1, market.requests // _SEARCHED)
        _fill(
            market.prompt_cost,
            market.answer_cost,
            market.arrival,
            market.met_first,
            market.met_last,
            weights,
            unmet,
            met_price,
            every,
            levels,
            paid,
            saved,
        )
        path = np.zeros(market.slots, np.int64)
        one = int(np.searchsorted(levels, 1.0))
        _climb(
            paid,
            saved,
            seat_rate(market, weights) * market.in_window_s,
            np.where(market.in_window_s < market.slot_s, one, len(levels) - 1),
            levels,
            steps,
            self._paybacks - 1,
            np.empty((len(levels), self._paybacks)),
            np.empty((len(levels), self._paybacks)),
            np.empty(len(levels)),
            np.empty(len(levels), np.int8),
            self._level_before,
            self._payback_before,
            path,
        )
        return np.append(levels[path], levels[0])


def seat_rate(market: Market, weights: Floats) -> float:
    """Rent that all seats together earn in a second at rent 1."""
    costs = [variant.cost_per_hour / 3600.0 for variant in market.variants]
    return float(sum(n * cost * weight for n, cost, weight in zip(market.seats, costs, weights, strict=True)))

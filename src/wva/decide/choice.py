"""Which variants to grow and which to shrink: least cost, then least churn.

While nothing couples the models, the greedy choice by cost per unit of capacity is at most one replica from the best.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE = 1e-9
"""Differences of capacity below this part are rounding."""

DEAREST = 20.0
"""Times the price of the cheapest capacity at which none of it is worth being kept free."""


@dataclass(frozen=True, slots=True)
class Option:
    """One variant as the choice sees it."""

    name: str
    unit: float
    """Capacity of one replica in mean requests per second; more than 0."""
    cost: float
    """Price of one replica for an hour."""
    count: int
    """Replicas now, those coming included."""
    least: int
    most: int
    """Fewest and most replicas allowed, the inventory considered."""

    @property
    def price(self) -> tuple[float, str]:
        """Cost per unit of capacity, for sorting."""
        return self.cost / self.unit, self.name


def capacity_of(options: Sequence[Option], counts: Mapping[str, int]) -> float:
    """Capacity of that many replicas of each option."""
    return sum([option.unit * counts[option.name] for option in options])


def covers(capacity: float, need: float) -> bool:
    """Whether the capacity is enough."""
    return capacity >= need * (1.0 - TOLERANCE)


def within_bounds(options: Sequence[Option]) -> dict[str, int]:
    """The present counts, moved inside their bounds."""
    return {option.name: min(max(option.count, option.least), option.most) for option in options}


def cheapest_fleet(options: Sequence[Option], need: float) -> dict[str, int]:
    """Counts within bounds that cover the need at about the least cost, whatever runs now.

    Whole units of the cheapest capacity first, and last the cheapest single replica that closes the gap. Where the
    bounds do not allow that, as much as they do.
    """
    chosen = {option.name: option.least for option in options}
    for option in sorted(options, key=lambda o: o.price):
        gap = need - capacity_of(options, chosen)
        room = option.most - chosen[option.name]
        whole = max(0, min(room, int(gap / option.unit + TOLERANCE)))
        chosen[option.name] += whole
        gap -= whole * option.unit
        if gap <= need * TOLERANCE:
            break
        covering = [o for o in options if chosen[o.name] < o.most and covers(o.unit, gap)]
        if covering:
            chosen[min(covering, key=lambda o: (o.cost, -o.unit, o.name)).name] += 1
            break
    return chosen


def worth_having(options: Sequence[Option], need: float, free: float) -> float:
    """The part of a need that is worth its price, where ``free`` of it is capacity kept free for bursts.

    The more is kept free, the more seldom the last of it is used: exponentially so, if bursts are distributed like
    that. What can only be had at ``r`` times the price of the cheapest is then worth having up to
    ``1 - ln r / ln DEAREST`` of what is kept free otherwise.
    """
    ordered = sorted(options, key=lambda option: option.price)
    cheapest, worth = ordered[0].price[0], need
    covered = sum([option.unit * option.least for option in ordered])
    for option in ordered:
        dearness = option.price[0] / cheapest if cheapest > 0.0 else 1.0
        worth = need - free * min(1.0, math.log(dearness) / math.log(DEAREST))
        most = covered + option.unit * (option.most - option.least)
        if most >= worth:
            return min(need, max(covered, worth))
        covered = most
    return worth


def grow(options: Sequence[Option], counts: Mapping[str, int], need: float) -> dict[str, int]:
    """Add replicas until the need is covered or nothing is left to add, towards the cheapest fleet for that need.

    What runs beyond that fleet stays, and counts.
    """
    chosen = dict(counts)
    wanted = cheapest_fleet(options, need)
    for option in sorted(options, key=lambda o: o.price):
        while chosen[option.name] < wanted[option.name] and not covers(capacity_of(options, chosen), need):
            chosen[option.name] += 1
    return chosen


def shrink(options: Sequence[Option], counts: Mapping[str, int], need: float, share: float) -> dict[str, int]:
    """Remove replicas that are not needed, the dearest per request first, at most ``share`` of the capacity.

    One replica may go even when it is more than that.
    """
    chosen = dict(counts)
    most = share * capacity_of(options, counts)
    removed = 0.0
    for option in sorted(options, key=lambda o: o.price, reverse=True):
        while chosen[option.name] > option.least:
            left = capacity_of(options, chosen) - option.unit
            if not covers(left, need) or (removed > 0.0 and removed + option.unit > most):
                break
            chosen[option.name] -= 1
            removed += option.unit
    return chosen

"""Which variants to grow and which to shrink: least cost, then least churn.

While nothing couples the models, the greedy choice by cost per unit of capacity is at most one replica from the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE = 1e-9
"""Capacity differences below this part are rounding."""


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


def capacity_of(options: Sequence[Option], counts: Mapping[str, int]) -> float:
    """Capacity of that many replicas of each option."""
    return sum(option.unit * counts[option.name] for option in options)


def within_bounds(options: Sequence[Option]) -> dict[str, int]:
    """The present counts, moved inside their bounds."""
    return {option.name: min(max(option.count, option.least), option.most) for option in options}


def grow(options: Sequence[Option], counts: Mapping[str, int], need: float) -> dict[str, int]:
    """Add replicas until the need is covered or nothing is left to add; whole units of the cheapest capacity first.

    The last replica is the cheapest single one that closes what is left, so a small gap takes a small replica.
    """
    chosen = dict(counts)
    for option in sorted(options, key=lambda o: (o.cost / o.unit, o.name)):
        gap = need - capacity_of(options, chosen)
        room = option.most - chosen[option.name]
        whole = max(0, min(room, int(gap / option.unit + TOLERANCE)))
        chosen[option.name] += whole
        gap -= whole * option.unit
        if gap <= need * TOLERANCE:
            return chosen
        last = _cheapest_cover(options, chosen, gap)
        if last is not None:
            chosen[last.name] += 1
            return chosen
    return chosen


def _cheapest_cover(options: Sequence[Option], counts: Mapping[str, int], gap: float) -> Option | None:
    covering = [o for o in options if counts[o.name] < o.most and o.unit >= gap * (1.0 - TOLERANCE)]
    return min(covering, key=lambda o: (o.cost, -o.unit, o.name), default=None)


def shrink(options: Sequence[Option], counts: Mapping[str, int], need: float, most: float) -> dict[str, int]:
    """Remove replicas whose capacity is not needed, the dearest per unit first, at most ``most`` capacity in all.

    One replica may go even when it is larger than ``most``.
    """
    chosen = dict(counts)
    removed = 0.0
    for option in sorted(options, key=lambda o: (-o.cost / o.unit, o.name)):
        while chosen[option.name] > option.least:
            left = capacity_of(options, chosen) - option.unit
            if left < need * (1.0 - TOLERANCE) or (removed > 0.0 and removed + option.unit > most):
                break
            chosen[option.name] -= 1
            removed += option.unit
    return chosen

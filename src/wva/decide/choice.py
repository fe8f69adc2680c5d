"""Which variants to grow and which to shrink: least cost, then least churn.

Capacity is a vector: requests per second within the objectives, and KV-cache tokens. While nothing couples the models,
the greedy choice by cost per unit of the binding resource is at most one replica a resource from the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOLERANCE = 1e-9
"""Differences of capacity below this part are rounding."""

Amounts = tuple[float, float]
"""(mean requests per second, KV-cache tokens)."""

RESOURCES = (0, 1)


@dataclass(frozen=True, slots=True)
class Option:
    """One variant as the choice sees it."""

    name: str
    unit: Amounts
    """Capacity of one replica, each more than 0."""
    cost: float
    """Price of one replica for an hour."""
    count: int
    """Replicas now, those coming included."""
    least: int
    most: int
    """Fewest and most replicas allowed, the inventory considered."""

    def price(self, resource: int) -> tuple[float, str]:
        """Cost per unit of a resource, for sorting."""
        return self.cost / self.unit[resource], self.name


def capacity_of(options: Sequence[Option], counts: Mapping[str, int]) -> Amounts:
    """Capacity of that many replicas of each option."""
    rate = sum(option.unit[0] * counts[option.name] for option in options)
    tokens = sum(option.unit[1] * counts[option.name] for option in options)
    return rate, tokens


def covers(capacity: Amounts, need: Amounts) -> bool:
    """Whether the capacity is enough in every resource."""
    return all(capacity[r] >= need[r] * (1.0 - TOLERANCE) for r in RESOURCES)


def within_bounds(options: Sequence[Option]) -> dict[str, int]:
    """The present counts, moved inside their bounds."""
    return {option.name: min(max(option.count, option.least), option.most) for option in options}


def grow(options: Sequence[Option], counts: Mapping[str, int], need: Amounts) -> dict[str, int]:
    """Add replicas until the need is covered or nothing is left to add, the scarcer resource first."""
    chosen = dict(counts)
    capacity = capacity_of(options, chosen)
    by_scarcity = sorted(RESOURCES, key=lambda r: capacity[r] / need[r] if need[r] > 0.0 else 1.0)
    for resource in by_scarcity:
        chosen = _grow_one(options, chosen, resource, need[resource])
    return chosen


def _grow_one(options: Sequence[Option], counts: Mapping[str, int], resource: int, need: float) -> dict[str, int]:
    """Cover one resource: whole units of the cheapest, and last the cheapest single replica that closes the gap."""
    chosen = dict(counts)
    for option in sorted(options, key=lambda o: o.price(resource)):
        gap = need - capacity_of(options, chosen)[resource]
        room = option.most - chosen[option.name]
        whole = max(0, min(room, int(gap / option.unit[resource] + TOLERANCE)))
        chosen[option.name] += whole
        gap -= whole * option.unit[resource]
        if gap <= need * TOLERANCE:
            break
        last = _cheapest_cover(options, chosen, resource, gap)
        if last is not None:
            chosen[last.name] += 1
            break
    return chosen


def _cheapest_cover(
    options: Sequence[Option], counts: Mapping[str, int], resource: int, gap: float
) -> Option | None:
    covering = [o for o in options if counts[o.name] < o.most and o.unit[resource] >= gap * (1.0 - TOLERANCE)]
    return min(covering, key=lambda o: (o.cost, -o.unit[resource], o.name), default=None)


def shrink(options: Sequence[Option], counts: Mapping[str, int], need: Amounts, share: float) -> dict[str, int]:
    """Remove replicas that are not needed, the dearest per request first, at most ``share`` of the capacity.

    One replica may go even when it is more than that.
    """
    chosen = dict(counts)
    most = share * capacity_of(options, counts)[0]
    removed = 0.0
    for option in sorted(options, key=lambda o: o.price(0), reverse=True):
        while chosen[option.name] > option.least:
            fewer = {**chosen, option.name: chosen[option.name] - 1}
            if not covers(capacity_of(options, fewer), need) or (removed > 0.0 and removed + option.unit[0] > most):
                break
            chosen = fewer
            removed += option.unit[0]
    return chosen

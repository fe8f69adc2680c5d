"""Percentiles of many values, fast."""

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles: the least value that is not below that share of all. ``None`` of no values at all."""

    p50: float | None
    p90: float | None
    p99: float | None
    count: int
    """How many values there are."""


def percentiles(values: NDArray[Any], unit: float = 1.0) -> Percentiles:
    """Percentiles of ``values`` in multiples of ``unit``. The values are reordered in place."""
    p50, p90, p99 = (None if value is None else value / unit for value in nearest_ranks(values, (0.5, 0.9, 0.99)))
    return Percentiles(p50, p90, p99, len(values))


def nearest_ranks(values: NDArray[Any], shares: tuple[float, ...]) -> list[float | None]:
    """The values at ascending shares of the sorted ``values``, which are reordered in place."""
    found: list[float | None] = []
    if not len(values):
        return [None for _ in shares]
    passed, rest = 0, values
    for share in shares:
        # Shares such as 0.9 lie a little beside their decimal: 0.9 * 10 must be rank 9.
        rank = max(math.ceil(share * len(values) - 1e-9), 1) - 1 - passed
        # What lies below the last rank is settled, so each search is over what is left.
        rest.partition(rank)
        found.append(rest[rank].item())
        rest, passed = rest[rank:], passed + rank
    return found

"""Attainment against cost: which points matter, and what an attainment costs on a curve of them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol, TypeVar


class Point(Protocol):
    """Something that attains so much at such a cost."""

    @property
    def attainment(self) -> float:
        """Share of the attainable requests that were met."""

    @property
    def cost(self) -> float:
        """What it cost."""


P = TypeVar("P", bound=Point)


def non_dominated(points: Iterable[P]) -> list[P]:
    """Those that no other beats in attainment at no more cost, or in cost at no less attainment; cheapest first.

    Of equal points the first stays.
    """
    kept: list[P] = []
    for point in sorted(points, key=lambda p: (p.cost, -p.attainment)):
        if not kept or point.attainment > kept[-1].attainment:
            kept.append(point)
    return kept


def choose(points: Iterable[P], attainment: float) -> P:
    """The cheapest that reaches an attainment; where none does, the one that attains most, the cheapest on ties."""
    front = non_dominated(points)
    return next((point for point in front if point.attainment >= attainment), front[-1])


def cost_at(points: Iterable[P], attainment: float) -> float | None:
    """What reaching an attainment costs on the line through the points that matter.

    Between two neighbours it is interpolated linearly. Below the cheapest point it is the cost of that one, which
    attains more than asked. ``None`` where no point attains so much.
    """
    front: Sequence[P] = non_dominated(points)
    if not front or front[-1].attainment < attainment:
        return None
    if front[0].attainment >= attainment:
        return front[0].cost
    for below, above in pairwise(front):
        if above.attainment >= attainment:
            share = (attainment - below.attainment) / (above.attainment - below.attainment)
            return below.cost + share * (above.cost - below.cost)
    raise AssertionError("an attainment between the first and the last point lies between two neighbours")

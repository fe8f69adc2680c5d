"""The cheapest whole numbers of replicas for a need that changes over time, when every start costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.fleet.errors import UserError

MOST_STATES = 4096
"""Combinations of counts, at most."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Choice:
    """One variant as the path sees it."""

    counts: range
    initial: int
    """Replicas at the start; they cost no start."""
    speed: float
    """What one replica gives, in units of the need."""
    cost: float
    """Price of one replica for one slot."""
    start_cost: float


def cheapest_path(choices: Sequence[Choice], need: Floats, shortage_cost: float) -> NDArray[np.int64]:
    """Replicas of every variant in every slot, shape (slots, variants), at the least sum of all costs.

    ``need`` has one number a slot, and each unit of it that the replicas do not give costs ``shortage_cost``.

    Raises:
        UserError: There are more combinations of counts than ``MOST_STATES``.

    """
    shape = tuple(len(choice.counts) for choice in choices)
    if math.prod(shape) > MOST_STATES:
        raise UserError(
            f"clairvoyant would search {math.prod(shape):,} fleets at every moment; "
            f"lower the variants' max to {MOST_STATES:,} or fewer"
        )
    given = sum(np.ix_(*[np.array(choice.counts) * choice.speed for choice in choices]), np.zeros(shape))
    kept = sum(np.ix_(*[np.array(choice.counts) * choice.cost for choice in choices]), np.zeros(shape))
    values = np.empty((len(need), *shape))
    value = np.full(shape, np.inf)
    value[tuple(min(max(c.initial, c.counts[0]), c.counts[-1]) - c.counts[0] for c in choices)] = 0.0
    for slot, wanted in enumerate(need.tolist()):
        value = _moved(value, choices) + kept + shortage_cost * np.maximum(wanted - given, 0.0)
        values[slot] = value
    return _traced(values, choices)


def _moved(value: Floats, choices: Sequence[Choice]) -> Floats:
    """The cheapest way to each state from any: a start costs, a stop does not."""
    for axis, choice in enumerate(choices):
        starts = _along(axis, value.ndim, np.arange(len(choice.counts)) * choice.start_cost)
        stopped = np.flip(np.minimum.accumulate(np.flip(value, axis), axis), axis)
        value = np.minimum(stopped, np.minimum.accumulate(value - starts, axis) + starts)
    return value


def _along(axis: int, dimensions: int, numbers: NDArray[np.floating]) -> NDArray[np.floating]:
    return numbers.reshape([-1 if place == axis else 1 for place in range(dimensions)])


def _traced(values: Floats, choices: Sequence[Choice]) -> NDArray[np.int64]:
    """The path that ends at the cheapest state, followed back to its start."""
    lowest = np.array([choice.counts[0] for choice in choices])
    path = np.empty((len(values), len(choices)), np.int64)
    after = np.unravel_index(np.argmin(values[-1]), values.shape[1:])
    for slot in range(len(values) - 1, -1, -1):
        path[slot] = lowest + after
        if slot:
            reach = values[slot - 1].copy()
            for axis, choice in enumerate(choices):
                started = np.maximum(after[axis] - np.arange(len(choice.counts)), 0) * choice.start_cost
                reach += _along(axis, len(choices), started)
            after = np.unravel_index(np.argmin(reach), reach.shape)
    return path

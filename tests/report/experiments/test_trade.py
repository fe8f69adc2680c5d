"""Curves of a few points, worked by hand."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.report.experiments.trade import choose, cost_at, non_dominated


@dataclass(frozen=True)
class At:
    attainment: float
    cost: float


CHEAP, MIDDLE, DEAR = At(0.8, 10.0), At(0.9, 20.0), At(1.0, 60.0)
BEATEN = At(0.85, 25.0)
CURVE = (DEAR, BEATEN, CHEAP, MIDDLE)


def test_what_another_beats_is_left_out() -> None:
    assert non_dominated(CURVE) == [CHEAP, MIDDLE, DEAR]
    assert non_dominated([CHEAP, At(0.8, 10.0), At(0.7, 10.0), At(0.8, 11.0)]) == [CHEAP]


@pytest.mark.parametrize(("attainment", "chosen"), [(0.5, CHEAP), (0.9, MIDDLE), (0.901, DEAR), (1.1, DEAR)])
def test_the_cheapest_that_reaches_it_is_chosen_else_the_one_that_attains_most(attainment: float, chosen: At) -> None:
    assert choose(CURVE, attainment) == chosen


@pytest.mark.parametrize(
    ("attainment", "cost"),
    [
        (0.5, 10.0),
        (0.8, 10.0),
        # Halfway from $10 to $20; then a quarter of the way from $20 to $60.
        (0.85, 15.0),
        (0.925, 30.0),
        (1.0, 60.0),
        (1.001, None),
    ],
)
def test_the_cost_of_an_attainment(attainment: float, cost: float | None) -> None:
    assert cost_at(CURVE, attainment) == (None if cost is None else pytest.approx(cost))


def test_no_points_reach_nothing() -> None:
    assert cost_at([], 0.0) is None


points = st.lists(st.builds(At, st.floats(0, 1), st.floats(0, 100)), min_size=1)


@given(points, st.floats(0, 1), st.floats(0, 1))
def test_more_never_costs_less(curve: list[At], one: float, other: float) -> None:
    less, more = (cost_at(curve, share) for share in sorted((one, other)))
    assert more is None or (less is not None and less <= more + 1e-9)

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.fleet.errors import UserError
from wva.simulate.best_static import cheapest, every_fleet


@st.composite
def search(draw: st.DrawFn) -> tuple[list[range], list[float], list[float], float]:
    variants = draw(st.integers(1, 3))
    counts = [
        range(low, low + draw(st.integers(0, 6)) + 1) for low in [draw(st.integers(0, 2)) for _ in range(variants)]
    ]
    prices = [draw(st.sampled_from([1.0, 1.8, 3.0, 3.6])) for _ in range(variants)]
    speeds = [draw(st.sampled_from([0.0, 1.0, 1.5, 2.0])) for _ in range(variants)]
    return counts, prices, speeds, draw(st.floats(0, 20))


@given(search())
def test_it_finds_what_trying_everything_finds(case: tuple[list[range], list[float], list[float], float]) -> None:
    counts, prices, speeds, needed = case
    fleets = every_fleet(counts)
    costs = fleets @ np.array(prices)
    tried: list[tuple[int, ...]] = []

    def suffices(fleet: tuple[int, ...]) -> bool:
        tried.append(fleet)
        return float(np.dot(fleet, speeds)) >= needed

    found = cheapest(fleets, costs, suffices)
    enough = [np.dot(fleet, prices) for fleet in itertools.product(*counts) if np.dot(fleet, speeds) >= needed]
    if found is None:
        assert not enough
    else:
        assert np.dot(found, prices) == pytest.approx(min(enough))
    assert len(tried) == len(set(tried))


def test_it_tries_few_of_many() -> None:
    fleets = every_fleet([range(1, 25), range(1, 25)])
    tried = 0

    def suffices(fleet: tuple[int, ...]) -> bool:
        nonlocal tried
        tried += 1
        return fleet[0] + 1.7 * fleet[1] >= 20

    assert cheapest(fleets, fleets @ np.array([1.8, 3.0]), suffices) is not None
    assert tried < 40


def test_too_many_fleets_are_refused() -> None:
    with pytest.raises(UserError, match=r"static-best would search 10,000,000 fleets"):
        every_fleet([range(10)] * 7)

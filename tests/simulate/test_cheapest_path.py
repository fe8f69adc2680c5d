import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.fleet.errors import UserError
from wva.simulate.cheapest_path import Choice, cheapest_path

Case = tuple[list[Choice], list[float], float]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    choices = []
    for _ in range(draw(st.integers(1, 2))):
        low = draw(st.integers(0, 1))
        choices.append(
            Choice(
                counts=range(low, low + draw(st.integers(1, 3))),
                initial=draw(st.integers(0, 3)),
                speed=draw(st.sampled_from([0.5, 1.0, 2.0])),
                cost=draw(st.sampled_from([0.0, 1.0, 1.5])),
                start_cost=draw(st.sampled_from([0.0, 0.4, 3.0])),
            )
        )
    need = draw(st.lists(st.sampled_from([0.0, 0.7, 1.0, 2.5]), min_size=1, max_size=4))
    return choices, need, draw(st.sampled_from([0.0, 0.8, 5.0]))


def price(case: Case, path: list[tuple[int, ...]]) -> float:
    """What a path costs, counted slot by slot."""
    choices, need, shortage = case
    before = [min(max(choice.initial, choice.counts[0]), choice.counts[-1]) for choice in choices]
    total = 0.0
    for counts, wanted in zip(path, need, strict=True):
        total += sum(
            choice.cost * count + choice.start_cost * max(count - old, 0)
            for choice, count, old in zip(choices, counts, before, strict=True)
        )
        given_ = sum(choice.speed * count for choice, count in zip(choices, counts, strict=True))
        total += shortage * max(wanted - given_, 0.0)
        before = list(counts)
    return total


@settings(max_examples=60)
@given(cases())
def test_no_other_path_is_cheaper(case: Case) -> None:
    choices, need, shortage = case
    found = [tuple(counts) for counts in cheapest_path(choices, np.array(need), shortage).tolist()]
    states = list(itertools.product(*[choice.counts for choice in choices]))
    best = min(price(case, list(path)) for path in itertools.product(states, repeat=len(need)))
    assert price(case, found) == pytest.approx(best)


def test_it_keeps_through_a_dip_what_would_cost_more_to_start_again() -> None:
    # A replica costs 1 a slot and 2.5 to start: it pays to keep it for two idle slots, not for three.
    choice = Choice(range(3), initial=0, speed=1.0, cost=1.0, start_cost=2.5)
    kept = cheapest_path([choice], np.array([1.0, 0, 0, 1.0]), 1000.0)
    assert kept[:, 0].tolist() == [1, 1, 1, 1]
    stopped = cheapest_path([choice], np.array([1.0, 0, 0, 0, 1.0]), 1000.0)
    assert stopped[:, 0].tolist() == [1, 0, 0, 0, 1]


def test_too_many_fleets_are_refused() -> None:
    choice = Choice(range(100), 0, 1.0, 1.0, 0.0)
    with pytest.raises(UserError, match="clairvoyant would search 10,000 fleets"):
        cheapest_path([choice, choice], np.array([1.0]), 1.0)

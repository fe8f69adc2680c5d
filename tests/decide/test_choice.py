"""Which variants to grow and to shrink."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.decide.choice import (
    Option,
    capacity_of,
    cheapest_fleet,
    covers,
    grow,
    shrink,
    within_bounds,
    worth_having,
)

CHEAP = Option("cheap", unit=10.0, cost=3.0, count=0, least=0, most=20)
SMALL = Option("small", unit=4.0, cost=1.8, count=0, least=0, most=20)


def test_whole_units_of_the_cheapest_and_a_small_last_replica() -> None:
    # 23 = 2 * 10 + 3: a third cheap one costs 3.0, a small one 1.8 covers it.
    assert cheapest_fleet([CHEAP, SMALL], 23.0) == {"cheap": 2, "small": 1}
    assert cheapest_fleet([CHEAP, SMALL], 25.0) == {"cheap": 3, "small": 0}
    assert cheapest_fleet([CHEAP, SMALL], 30.0) == {"cheap": 3, "small": 0}


def test_bounds_send_the_rest_to_the_next_cheapest() -> None:
    few = Option("cheap", 10.0, 3.0, 0, 0, 1)
    assert cheapest_fleet([few, SMALL], 23.0) == {"cheap": 1, "small": 4}
    assert cheapest_fleet([few, Option("small", 4.0, 1.8, 0, 0, 2)], 23.0) == {"cheap": 1, "small": 2}
    assert cheapest_fleet([CHEAP, Option("small", 4.0, 1.8, 0, 2, 9)], 8.0) == {"cheap": 0, "small": 2}


def test_growth_keeps_what_runs() -> None:
    assert grow([CHEAP, SMALL], {"cheap": 0, "small": 3}, 30.0) == {"cheap": 2, "small": 3}


def test_the_dearest_goes_first_and_only_a_share() -> None:
    counts = {"cheap": 2, "small": 3}
    # 32 in all, a quarter is 8: two small ones.
    assert shrink([CHEAP, SMALL], counts, 10.0, 0.25) == {"cheap": 2, "small": 1}
    assert shrink([CHEAP, SMALL], counts, 27.0, 0.25) == {"cheap": 2, "small": 2}
    assert shrink([CHEAP, SMALL], counts, 31.0, 0.25) == counts


def test_one_replica_may_go_even_when_it_is_more_than_the_share() -> None:
    assert shrink([CHEAP], {"cheap": 2}, 5.0, 0.25) == {"cheap": 1}


def test_dear_capacity_is_kept_free_for_fewer_bursts() -> None:
    # 3.0 for 10 or 1.8 for 4: a unit of the small one costs 1.5 times as much, so of 40 kept free of 100
    # ln 1.5 / ln 20 = 0.135 is too dear.
    few = Option("cheap", 10.0, 3.0, 0, 0, 8)
    assert worth_having([CHEAP, SMALL], 100.0, 40.0) == 100.0
    assert worth_having([few, SMALL], 100.0, 40.0) == pytest.approx(100.0 - 40.0 * math.log(1.5) / math.log(20.0))
    # What the cheap ones give is worth having in any case, and what dear ones give that must run anyway.
    assert worth_having([Option("cheap", 10.0, 3.0, 0, 0, 9), SMALL], 92.0, 40.0) == 90.0
    assert worth_having([few, Option("small", 4.0, 1.8, 0, 5, 20)], 100.0, 40.0) == 100.0


def test_the_load_itself_is_worth_any_price() -> None:
    dear = Option("dear", 1.0, 300.0, 0, 0, 99)
    assert worth_having([Option("cheap", 10.0, 3.0, 0, 0, 1), dear], 50.0, 20.0) == 30.0
    assert worth_having([Option("free", 10.0, 0.0, 0, 0, 1), dear], 50.0, 20.0) == 50.0


@st.composite
def fleets(draw: st.DrawFn) -> list[Option]:
    options = []
    for number in range(draw(st.integers(1, 3))):
        least = draw(st.integers(0, 3))
        most = least + draw(st.integers(0, 8))
        unit, cost = draw(st.floats(0.1, 20.0)), draw(st.floats(0.5, 10.0))
        options.append(Option(f"v{number}", unit, cost, draw(st.integers(0, 12)), least, most))
    return options


NEEDS = st.floats(0.0, 300.0)


@given(fleets(), NEEDS, st.floats(0.0, 1.0))
def test_no_more_than_what_is_kept_free_is_too_dear_and_nothing_where_prices_are_equal(
    options: list[Option], need: float, part: float
) -> None:
    worth = worth_having(options, need, part * need)
    assert need * (1.0 - part) - 1e-9 <= worth <= need
    assert worth_having(options[:1], need, part * need) == need


@given(fleets(), NEEDS)
def test_the_cheapest_fleet_covers_the_need_whenever_bounds_allow(options: list[Option], need: float) -> None:
    chosen = cheapest_fleet(options, need)
    assert all(option.least <= chosen[option.name] <= option.most for option in options)
    most = {option.name: option.most for option in options}
    assert covers(capacity_of(options, chosen), need) or chosen == most


@given(fleets(), NEEDS)
def test_growth_never_removes_and_covers_whenever_bounds_allow(options: list[Option], need: float) -> None:
    before = within_bounds(options)
    after = grow(options, before, need)
    assert all(before[o.name] <= after[o.name] <= o.most for o in options)
    most = {option.name: option.most for option in options}
    assert covers(capacity_of(options, after), need) or after == most


@given(fleets(), NEEDS, st.floats(0.0, 1.0))
def test_a_shrink_leaves_the_need_covered(options: list[Option], need: float, share: float) -> None:
    before = within_bounds(options)
    after = shrink(options, before, need, share)
    assert all(o.least <= after[o.name] <= before[o.name] for o in options)
    assert after == before or covers(capacity_of(options, after), need)
    gone = {name: before[name] - after[name] for name in before}
    assert sum(gone.values()) <= 1 or capacity_of(options, gone) <= share * capacity_of(options, before) * (1 + 1e-9)

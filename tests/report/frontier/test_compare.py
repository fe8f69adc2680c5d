"""The arithmetic of the comparisons, worked by hand."""

import pytest

from tests.report.frontier.worked import BOUND, HPA, KEDA, OWN, SCHEDULES, STATIC, line
from wva.report.frontier.compare import gap_closed, levels, ratio, verdict


def test_the_best_rival_is_the_cheapest_that_reaches_99_percent() -> None:
    found = verdict(OWN, (HPA, KEDA), SCHEDULES, BOUND)
    assert found is not None
    assert (found.rival, found.spot, found.attainment, found.cost) == ("keda", "point 1", 0.99, 50.0)
    # 0.99 is 9 tenths of the way from 0.90 to 1.00: $20 + 0.9 x $20 = $38. The bound is that of 0.90: a line to the
    # one of 1.00 could be above what it is at 0.99.
    assert found.own_cost == pytest.approx(38.0)
    assert found.ratio == pytest.approx(38 / 50)
    assert found.bound_cost == pytest.approx(15.0)
    # The schedules: from $16 at 0.80 to $30 at 1.00.
    assert found.schedule_cost == pytest.approx(16 + 14 * 0.95)
    # From $50 down to $15 are $35, of which $12 are gone.
    assert found.gap_closed == pytest.approx(12 / 35)
    assert found.notes == ()


def test_where_none_reaches_it_the_one_that_attains_most_is_best() -> None:
    low, high = line("low", "rival", (0.90, 10.0)), line("high", "rival", (0.95, 90.0))
    found = verdict(OWN, (low, high), (), BOUND)
    assert found is not None
    # Halfway: $20 + $10 = $30.
    assert found.rival == "high"
    assert found.own_cost == pytest.approx(30.0)


def test_on_equal_attainment_the_cheaper_is_best() -> None:
    found = verdict(OWN, (line("dear", "rival", (0.95, 90.0)), line("cheap", "rival", (0.95, 80.0))), (), ())
    assert found is not None
    assert found.rival == "cheap"


def test_what_is_unknown_says_why() -> None:
    weak = line("wva", "own", (0.90, 20.0), (0.98, 30.0))
    found = verdict(weak, (KEDA,), (), ())
    assert found is not None
    assert (found.own_cost, found.ratio, found.bound_cost, found.gap_closed) == (None, None, None, None)
    assert found.schedule_cost is None
    assert found.notes == ("wva attains 98.00% at most", "the bound was not computed")
    found = verdict(OWN, (KEDA,), (), BOUND[1:])
    assert found is not None
    assert (found.gap_closed, found.notes) == (None, ("the bound was computed from 100% on",))


def test_a_rival_at_the_bound_leaves_no_gap() -> None:
    found = verdict(OWN, (line("perfect", "rival", (0.9, 15.0)),), (), BOUND)
    assert found is not None
    assert (found.bound_cost, found.gap_closed) == (15.0, None)
    assert found.notes == ("the rival costs no more than the bound: there is no gap",)


def test_no_rival_no_verdict() -> None:
    assert verdict(OWN, (), SCHEDULES, BOUND) is None


@pytest.mark.parametrize(
    ("rival", "own", "bound", "closed"),
    [(10, 8, 6, 0.5), (10, 6, 6, 1.0), (10, 12, 6, -0.5), (10, None, 6, None), (10, 8, None, None), (10, 8, 10, None)],
)
def test_the_gap(rival: float, own: float | None, bound: float | None, closed: float | None) -> None:
    assert gap_closed(rival, own, bound) == closed


def test_a_ratio_to_nothing_is_unknown() -> None:
    assert (ratio(3.0, 4.0), ratio(None, 4.0), ratio(3.0, None), ratio(3.0, 0.0)) == (0.75, None, None, None)


def test_levels_take_the_lower_envelope_of_all_rivals() -> None:
    at_90, at_95, at_99 = levels(OWN, (HPA, KEDA), STATIC, SCHEDULES, BOUND)
    # The envelope goes through keda (0.80, $10), hpa (0.95, $40), keda (0.99, $50) and hpa (0.995, $60).
    # 0.90 is two thirds of the way from 0.80 to 0.95: $10 + 2/3 x $30 = $30.
    assert (at_90.own, at_90.static, at_90.bound) == (20.0, 55.0, 15.0)
    assert at_90.schedule == pytest.approx(23.0)
    assert at_90.rivals == pytest.approx(30.0)
    assert at_90.ratio == pytest.approx(20 / 30)
    assert at_95.rivals == pytest.approx(40.0)
    assert at_99.rivals == pytest.approx(50.0)
    assert at_95.ratio == pytest.approx(30 / 40)
    weak = levels(line("wva", "own", (0.93, 5.0)), (), None, (), ())[1]
    assert (weak.own, weak.rivals, weak.static, weak.bound, weak.ratio) == (None, None, None, None, None)

"""How far the count may move at once: documented behaviour and the controller's own cases."""

import pytest

from wva.policies.hpa.memory import Stamp
from wva.policies.hpa.rates import highest_allowed, highest_without_behavior, lowest_allowed
from wva.policies.hpa.settings import RatePolicy, ScaleDownRules, ScaleUpRules, Select, Unit

NOW = 100_000.0


def rates(pods: int = 0, pods_s: float = 60, percent: int = 0, percent_s: float = 60) -> tuple[RatePolicy, ...]:
    """A policy in pods, one in percent, or both; 0 leaves one out."""
    policies = [RatePolicy(Unit.PODS, pods, pods_s)] if pods else []
    return (*policies, RatePolicy(Unit.PERCENT, percent, percent_s)) if percent else tuple(policies)


def spread(*changes: int) -> tuple[Stamp, ...]:
    """Changes in the middle of equal parts of the last 120 s."""
    part = 120.0 / len(changes)
    return tuple(Stamp(NOW - 120.0 + part * (place + 0.5), change) for place, change in enumerate(changes))


@pytest.mark.parametrize(("current", "highest"), [(1, 5), (3, 7), (4, 8), (5, 10), (10, 20), (50, 100)])
def test_up_to_four_more_or_twice_as_many_by_default(current: int, highest: int) -> None:
    assert highest_allowed(current, (), (), ScaleUpRules(), NOW) == highest


def test_what_was_added_in_the_period_counts() -> None:
    # 1 grew to 5 five seconds ago: from 1 at the start of the period it may be 5 and no more.
    assert highest_allowed(5, (Stamp(NOW - 5, 4),), (), ScaleUpRules(), NOW) == 5
    # A change exactly as old as the period is over: 5 may be 10.
    assert highest_allowed(5, (Stamp(NOW - 15, 4),), (), ScaleUpRules(), NOW) == 10


def test_what_was_removed_in_the_period_may_come_back() -> None:
    # 8 shrank to 5 just now: the period began with 8, and 8 may be 16.
    assert highest_allowed(5, (), (Stamp(NOW - 5, 3),), ScaleUpRules(), NOW) == 16


@pytest.mark.parametrize(
    ("current", "policies", "added", "removed", "highest"),
    [
        (3, rates(percent=1), (), (), 4),  # 3.03, rounded up
        (10, rates(pods=100, percent=100), (), (), 110),
        (10, rates(pods=2, percent=100), (), (), 20),
        (10, rates(pods=30), (), (), 40),
        (10, rates(percent=200), (), (), 30),
        (100, rates(pods=300), spread(1, 5, 9), (), 391),  # of 1, 5 and 9 only 9 is in the last minute: 100 - 9 + 300
        (100, rates(pods=5, pods_s=120), spread(1, 5, 9), (), 100),  # 100 - 15 + 5 = 90 is below what there is
        (100, rates(pods=150, pods_s=120), spread(1, 5, 9), (), 235),
        (100, rates(percent=200, percent_s=120), spread(1, 5, 9), (), 255),
        (6, rates(percent=300, percent_s=300), spread(4), spread(2), 16),  # (6 - 4 + 2) x 4
    ],
)
def test_up(
    current: int, policies: tuple[RatePolicy, ...], added: tuple[Stamp, ...], removed: tuple[Stamp, ...], highest: int
) -> None:
    assert highest_allowed(current, added, removed, ScaleUpRules(policies=policies), NOW) == highest


@pytest.mark.parametrize("current", [1, 2, 10, 100])
def test_down_to_nothing_at_once_by_default(current: int) -> None:
    assert lowest_allowed(current, (), (), ScaleDownRules(), NOW) == 0


@pytest.mark.parametrize(("current", "lowest"), [(80, 72), (72, 64), (41, 36), (40, 36), (38, 34), (20, 16)])
def test_ten_percent_or_four_pods_a_minute(current: int, lowest: int) -> None:
    # 10 % of 72 is 7.2, and 8 may go; from 40 down four pods are more than 10 %.
    assert lowest_allowed(current, (), (), ScaleDownRules(policies=rates(pods=4, percent=10)), NOW) == lowest


def test_what_was_removed_in_the_period_counts() -> None:
    rules = ScaleDownRules(policies=rates(percent=10))
    assert lowest_allowed(30, (), (), rules, NOW) == 27
    assert lowest_allowed(27, (), (Stamp(NOW - 15, 3),), rules, NOW) == 27
    assert lowest_allowed(27, (), (Stamp(NOW - 60, 3),), rules, NOW) == 24  # 24.3, cut off


@pytest.mark.parametrize(
    ("current", "policies", "added", "removed", "lowest"),
    [
        (1000, rates(pods=20), (), (), 980),
        (100, rates(pods=20, percent=1), (), (), 80),
        (100, rates(pods=2, percent=1), (), (), 98),
        (10, rates(pods=5), (), (), 5),
        (10, rates(percent=50), (), (), 5),
        (100, rates(pods=115, pods_s=120), (), spread(1, 5, 9), 0),
        (100, rates(pods=5, pods_s=120), (), spread(1, 5, 9), 100),  # 100 + 15 - 5 = 110 is above what there is
        (100, rates(percent=50, percent_s=120), (), spread(2, 4, 6), 56),
        (10, rates(percent=50, percent_s=180), spread(2), spread(4), 6),  # (10 - 2 + 4) / 2
        (100, rates(percent=10, percent_s=120), (), spread(10, 10, 10), 100),  # 130 - 13 = 117 likewise
        (10, rates(percent=1000, percent_s=120), (), spread(10, 10, 10), -360),
    ],
)
def test_down(
    current: int, policies: tuple[RatePolicy, ...], added: tuple[Stamp, ...], removed: tuple[Stamp, ...], lowest: int
) -> None:
    assert lowest_allowed(current, added, removed, ScaleDownRules(policies=policies), NOW) == lowest


def test_the_smallest_change_or_none() -> None:
    policies = rates(pods=2, percent=50)
    assert highest_allowed(1, (), (), ScaleUpRules(policies=policies, select=Select.MIN), NOW) == 2
    assert lowest_allowed(5, (), (), ScaleDownRules(policies=policies, select=Select.MIN), NOW) == 3
    assert highest_allowed(1, (), (), ScaleUpRules(policies=policies, select=Select.DISABLED), NOW) == 1
    assert lowest_allowed(5, (), (), ScaleDownRules(policies=policies, select=Select.DISABLED), NOW) == 5


@pytest.mark.parametrize(("current", "highest"), [(1, 4), (2, 4), (3, 6), (10, 20)])
def test_without_behavior(current: int, highest: int) -> None:
    assert highest_without_behavior(current) == highest

"""AIBrix's arithmetic, worked by hand."""

import pytest

from wva.policies.apa.algorithm import Rates, guarded, propose
from wva.policies.apa.cooldown import Cooldown
from wva.policies.hpa.memory import Stamp

RATES = Rates(
    up_fluctuation_tolerance=0.1, down_fluctuation_tolerance=0.2, max_scale_up_rate=2.0, max_scale_down_rate=2.0
)


@pytest.mark.parametrize(
    ("current", "value", "count"),
    [
        (4, 55, 4),  # 1.1 is within
        (4, 55.1, 5),  # 4 x 1.102 = 4.408
        (4, 90, 8),  # 7.2
        (4, 400, 8),  # 32, but no more than twice
        (4, 40, 4),  # 0.8 is within
        (4, 39, 4),  # 3.12 is rounded up to 4
        (4, 37, 3),  # 2.96
        (5, 5, 2),  # 0.5, but no less than floor(2.5)
        (1, 0, 0),  # floor(0.5)
        (0, 400, 0),
    ],
)
def test_the_count_follows_the_ratio_within_the_rates(current: int, value: float, count: int) -> None:
    assert propose(current, value, 50, RATES) == count


@pytest.mark.parametrize(
    ("desired", "current", "ready", "value", "count"),
    [
        (8, 4, 4, 100, 8),  # all are ready
        (4, 4, 1, 50, 4),  # nothing is to change
        (8, 4, 1, 100, 4),  # 100 x 1 / 50 = 2 is less than there are: the three that come are enough
        (8, 4, 3, 100, 6),  # 300 / 50
        (8, 4, 3, 1000, 8),  # 60, but the guard takes nothing further
        (2, 4, 3, 10, 2),  # (30 + 50) / 50 = 1.6 is 2
        (2, 4, 2, 10, 3),  # (20 + 100) / 50 = 2.4
        (2, 4, 1, 49, 4),  # (49 + 150) / 50 = 3.98
        (2, 4, 0, 10, 4),
        (2, 4, 9, 10, 2),  # more are ready than are wanted: nothing is pending
    ],
)
def test_pending_replicas_hold_a_change_back(desired: int, current: int, ready: int, value: float, count: int) -> None:
    assert guarded(desired, current, ready, value, 50) == count


PAST = (Stamp(0, 9), Stamp(100, 2), Stamp(250, 6))


@pytest.mark.parametrize(
    ("recommended", "holds", "count"),
    [
        (5, False, 2),  # of 9, 2, 6 and 5 within 300 s: the lowest
        (5, True, 8),  # the highest is 9, but this is no growth
        (8, False, 8),
        (9, False, 9),  # growing has no window by default
    ],
)
def test_the_windows(recommended: int, holds: bool, count: int) -> None:
    assert Cooldown(0.0, 300.0, holds).settled(recommended, 8, PAST, 290.0) == count


def test_a_window_for_growth_takes_the_highest() -> None:
    past = (Stamp(0, 20), *PAST, Stamp(260, 12))
    assert Cooldown(60.0, 300.0, holds=False).settled(9, 8, past, 290.0) == 12


def test_recommendations_leave_with_the_longer_window() -> None:
    cooldown = Cooldown(60.0, 300.0, holds=False)
    # What is exactly as old as the window is over.
    assert cooldown.remembered(PAST, Stamp(300, 4)) == (Stamp(100, 2), Stamp(250, 6), Stamp(300, 4))
    assert cooldown.settled(5, 8, PAST, 401.0) == 5

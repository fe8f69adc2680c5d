"""Windows of past recommendations: the controller's own cases, in seconds before now."""

import pytest

from wva.policies.hpa.memory import Stamp, remembered
from wva.policies.hpa.settings import Behavior, ScaleDownRules, ScaleUpRules
from wva.policies.hpa.stabilization import stabilize, stabilize_without_behavior

NOW = 100_000.0

Past = list[tuple[int, float]]
"""Replicas and how long ago."""


def stamps(past: Past) -> tuple[Stamp, ...]:
    return tuple(Stamp(NOW - age, replicas) for replicas, age in past)


@pytest.mark.parametrize(
    ("past", "current", "desired", "up_s", "down_s", "stable", "kept"),
    [
        ([], 100, 5, 0, 0, 5, [5]),
        # The highest of the window holds a shrink.
        ([(4, 120), (5, 60)], 100, 3, 0, 180, 5, [4, 5, 3]),
        ([(1, 120), (2, 60)], 100, 3, 300, 0, 3, [1, 2, 3]),
        # The lowest of the window holds a growth.
        ([(4, 120), (5, 60)], 1, 7, 300, 0, 4, [4, 5, 7]),
        ([(4, 120), (5, 60)], 1, 3, 0, 300, 3, [4, 5, 3]),
        # The last obsolete recommendation gives its place to the new one.
        ([(10, 600), (9, 540)], 100, 3, 0, 0, 3, [10, 3]),
        ([(10, 600), (9, 540)], 1, 100, 0, 0, 100, [10, 100]),
        ([(10, 600), (4, 60), (5, 120), (9, 540)], 100, 3, 0, 180, 5, [10, 4, 5, 3]),
        ([(10, 6000), (6, 60), (5, 120), (9, 180)], 1, 100, 300, 0, 5, [100, 6, 5, 9]),
        # With both windows the count stays where they disagree with the newest recommendation.
        ([(2, 6000), (3, 180)], 2, 1, 300, 300, 2, [1, 3]),
        ([(2, 6000), (1, 180)], 2, 3, 300, 300, 2, [3, 1]),
        # A recommendation of exactly the window's age is outside.
        ([(10, 300)], 10, 1, 0, 300, 1, [1]),
        ([(10, 299)], 10, 1, 0, 300, 10, [10, 1]),
        ([(1, 60)], 1, 9, 60, 300, 9, [1, 9]),
        ([(1, 59)], 1, 9, 60, 300, 1, [1, 9]),
    ],
)
def test_with_behavior(
    past: Past, current: int, desired: int, up_s: float, down_s: float, stable: int, kept: list[int]
) -> None:
    behavior = Behavior(ScaleUpRules(up_s), ScaleDownRules(down_s))
    assert stabilize(desired, current, stamps(past), NOW, behavior) == stable
    after = remembered(stamps(past), Stamp(NOW, desired), max(up_s, down_s))
    assert [stamp.replicas for stamp in after] == kept


@pytest.mark.parametrize(
    ("past", "desired", "stable", "length"),
    [
        ([], 5, 5, 1),
        ([(4, 120), (5, 60)], 3, 5, 3),
        ([(1, 120), (2, 60)], 3, 3, 3),
        ([(10, 600), (9, 540)], 3, 3, 2),
        ([(10, 600), (4, 60), (5, 120), (9, 540)], 3, 5, 4),
        ([(10, 300)], 3, 3, 1),
        ([(10, 299)], 3, 10, 2),
    ],
)
def test_without_behavior(past: Past, desired: int, stable: int, length: int) -> None:
    assert stabilize_without_behavior(desired, stamps(past), NOW, 300.0) == stable
    assert len(remembered(stamps(past), Stamp(NOW, desired), 300.0)) == length


@pytest.mark.parametrize(
    ("past", "longest_s", "kept"),
    [
        ([], 60, [5]),
        ([(7, 61)], 60, [5]),
        ([(7, 58)], 60, [7, 5]),
        ([(7, 61), (6, 59)], 60, [5, 6]),
        ([(8, 29), (6, 59), (7, 61), (9, 61)], 60, [8, 6, 7, 5]),
        ([(7, 58), (6, 59)], 120, [7, 6, 5]),
        ([(7, 60)], 60, [5]),
    ],
)
def test_changes_are_remembered_for_the_longest_period(past: Past, longest_s: float, kept: list[int]) -> None:
    after = remembered(stamps(past), Stamp(NOW, 5), longest_s)
    assert [stamp.replicas for stamp in after] == kept

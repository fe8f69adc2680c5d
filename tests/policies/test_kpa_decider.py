"""Knative's arithmetic, worked by hand."""

from dataclasses import replace

import pytest

from wva.policies.kpa.decider import Decider, Panic

DECIDER = Decider(
    target_value=10.0,
    max_scale_up_rate=1000.0,
    max_scale_down_rate=2.0,
    panic_threshold=2.0,
    stable_window_s=60.0,
    activation_scale=1,
)
CALM = Panic()


@pytest.mark.parametrize(
    ("stable", "ready", "count"),
    [
        (100, 10, 10),
        (101, 10, 11),  # 10.1 is rounded up: no tolerance
        (0, 10, 5),  # no fewer than half of the ready ones
        (0, 1, 0),  # half of one, rounded down
        (0, 0, 0),  # none ready counts as one
        (15, 0, 2),
        (74, 15, 8),  # 7.4 is 8, above floor(7.5)
        (70, 15, 7),
    ],
)
def test_stable(stable: float, ready: int, count: int) -> None:
    assert DECIDER.scale(stable, stable if ready else 0, ready, CALM, 0.0) == (count, CALM)


def test_growth_is_limited_by_what_is_ready_but_never_stuck() -> None:
    slow = replace(DECIDER, max_scale_up_rate=1.1, panic_threshold=10.0)
    # 1.1 x 2 = 2.2 is rounded up to 3, though 9 are wanted.
    assert slow.scale(90, 20, 2, CALM, 0.0) == (3, CALM)
    # 1.1 x 10 = 11.
    assert slow.scale(300, 100, 10, CALM, 0.0) == (11, CALM)


def test_panic_begins_at_twice_what_is_ready() -> None:
    # 39 wants 4 of 2 ready: just 2.0. 30 wants 3: 1.5.
    assert DECIDER.scale(20, 39, 2, CALM, 7.0) == (4, Panic(7.0, 4))
    assert DECIDER.scale(20, 30, 2, CALM, 7.0) == (2, CALM)


def test_panic_only_goes_up() -> None:
    count, panic = DECIDER.scale(20, 80, 2, CALM, 0.0)
    assert (count, panic) == (8, Panic(0.0, 8))
    # Less load in both windows, more ready: 8 stays, and the last time over the threshold was at 0.
    assert DECIDER.scale(30, 20, 8, panic, 15.0) == (8, Panic(0.0, 8))
    # In panic the stable window counts as well.
    assert DECIDER.scale(95, 20, 8, panic, 15.0) == (10, Panic(0.0, 10))
    # Over the threshold again, the panic lasts longer.
    assert DECIDER.scale(30, 160, 8, panic, 30.0) == (16, Panic(30.0, 16))


def test_panic_ends_after_a_stable_window_below_the_threshold() -> None:
    panic = Panic(0.0, 8)
    assert DECIDER.scale(30, 20, 8, panic, 45.0) == (8, panic)
    # floor(8 / 2) = 4 is the least it goes to.
    assert DECIDER.scale(30, 20, 8, panic, 60.0) == (4, CALM)


def test_an_activation_scale_is_the_least_while_there_is_anything_to_do() -> None:
    warm = replace(DECIDER, activation_scale=3)
    assert warm.scale(1, 0, 1, CALM, 0.0) == (3, CALM)
    assert warm.scale(0, 0, 1, CALM, 0.0) == (0, CALM)
    assert warm.scale(60, 0, 6, CALM, 0.0) == (6, CALM)

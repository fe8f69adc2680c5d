"""How long capacity is kept that was needed once."""

from dataclasses import replace

import pytest

from tests.decide.worlds import SETTINGS
from wva.decide.hold import held_need, hold_s, remember_need
from wva.decide.memory import ModelMemory, Need

PLAIN = replace(
    SETTINGS,
    hold_horizons=1.0,
    hold_deviations=2.0,
    first_hold_horizons=0.0,
    least_burst_hold_s=100.0,
    longest_hold_s=900.0,
    burst_memory_s=1800.0,
)
NOTHING = ModelMemory(since=0.0)


def after(*needs: tuple[float, float], held_s: float = 100.0) -> ModelMemory:
    """The memory after needs at these times, each kept for so long."""
    memory = NOTHING
    for time, need in needs:
        memory = remember_need(memory, Need(time, need), held_s, PLAIN)
    return memory


def test_a_need_is_held_for_its_time_and_no_longer() -> None:
    memory = after((0.0, 5.0), (100.0, 9.0), (200.0, 4.0), (300.0, 6.0), held_s=300.0)
    assert [n.requests_per_s for n in memory.needs] == [9.0, 6.0]
    assert held_need(memory, 400.0, 300.0) == 9.0
    assert held_need(memory, 401.0, 300.0) == 6.0
    assert held_need(NOTHING, 0.0, 300.0) == 0.0


def test_needs_are_held_for_longer_the_longer_a_start_takes_and_the_burstier_the_load_is() -> None:
    assert hold_s(NOTHING, 0.0, 0.0, 125.0, PLAIN) == 125.0
    assert hold_s(NOTHING, 0.0, 0.0, 315.0, PLAIN) == 315.0
    assert hold_s(NOTHING, 0.0, 0.5, 125.0, PLAIN) == 250.0
    assert hold_s(NOTHING, 0.0, 9.0, 125.0, PLAIN) == 125.0 * 5  # two deviations at most


def test_the_next_burst_comes_no_sooner_where_replicas_start_fast() -> None:
    assert hold_s(NOTHING, 0.0, 0.0, 20.0, PLAIN) == 20.0
    assert hold_s(NOTHING, 0.0, 0.5, 20.0, PLAIN) == 20.0 + 100.0


def test_needs_of_a_new_load_are_held_for_longer() -> None:
    new = replace(PLAIN, first_hold_horizons=6.0)
    assert hold_s(NOTHING, 0.0, 0.0, 125.0, new) == 750.0
    assert hold_s(NOTHING, 0.0, 0.0, 200.0, new) == 900.0  # the longest hold
    assert hold_s(NOTHING, 1800.0, 0.0, 125.0, new) == pytest.approx(750.0 / 2.718281828)
    assert hold_s(NOTHING, 9000.0, 0.0, 125.0, new) == 125.0


def test_a_need_that_came_back_too_late_is_held_for_longer() -> None:
    # 10 was needed at 0 and again at 400, when it was long given up: 1.25 x 400 s the next time.
    memory = after((0.0, 10.0), (200.0, 2.0), (400.0, 9.0))
    assert hold_s(memory, 400.0, 0.0, 125.0, PLAIN) == pytest.approx(500.0)
    # That is forgotten as bursts are.
    assert hold_s(memory, 400.0 + 1800.0, 0.0, 125.0, PLAIN) == pytest.approx(500.0 / 2.718281828)


@pytest.mark.parametrize(
    "needs",
    [
        ((0.0, 10.0), (50.0, 2.0), (90.0, 9.0)),  # still kept
        ((0.0, 10.0), (200.0, 8.0), (400.0, 9.0)),  # a waver: less than 1.25 x what is kept
        ((0.0, 10.0), (200.0, 2.0), (400.0, 11.0)),  # never needed before
        ((0.0, 10.0), (800.0, 2.0), (901.0, 9.0)),  # longer ago than the longest hold
    ],
)
def test_nothing_is_learned_where_nothing_came_back_too_late(needs: tuple[tuple[float, float], ...]) -> None:
    # What is kept at 400 s of the waver is the need at 200 s, for 300 s.
    memory = after(*needs, held_s=300.0 if needs[1][1] == 8.0 else 100.0)
    assert memory.absence is None


def test_the_longest_hold_bounds_what_is_learned() -> None:
    assert hold_s(after((0.0, 10.0), (200.0, 2.0), (850.0, 9.0)), 850.0, 0.0, 125.0, PLAIN) == 900.0

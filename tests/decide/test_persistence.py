"""What lasts of a sudden load, and of a sudden lull."""

from collections.abc import Callable

import pytest

from tests.decide.worlds import SETTINGS
from wva.decide.demand import Demand
from wva.decide.memory import ModelMemory
from wva.decide.persistence import remember_excursion, share_of


def at(fast: float, level: float = 10.0, noise: float = 0.0) -> Demand:
    return Demand(level, level, 0.0, fast, deviation=noise, noise=noise, expected=level, held_tokens=None)


def remembered(memory: ModelMemory, now: float, demand: Demand) -> ModelMemory:
    return remember_excursion(memory, now, demand, 120.0, SETTINGS)


def learned(fast: Callable[[float], float], seconds: float, level: float = 10.0, noise: float = 0.0) -> ModelMemory:
    memory, now = ModelMemory(since=0.0), 0.0
    while now < seconds:
        memory = remembered(memory, now, at(fast(now), level, noise))
        now += 15.0
    return memory


def test_nothing_seen_is_believed_to_last() -> None:
    memory = ModelMemory(since=0.0)
    assert (share_of(memory.rises), share_of(memory.falls)) == (1.0, 1.0)


def test_short_bursts_are_learned_not_to_last() -> None:
    # Twice the level for 60 s of each 600 s: nothing of it is there 120 s later.
    memory = learned(lambda now: 20.0 if now % 600.0 < 60.0 else 10.0, 3600.0)
    assert share_of(memory.rises) < 0.05
    assert share_of(memory.falls) == 1.0


def test_short_lulls_are_learned_not_to_last() -> None:
    memory = learned(lambda now: 1.0 if now % 600.0 < 60.0 else 10.0, 3600.0)
    assert share_of(memory.falls) < 0.05
    assert share_of(memory.rises) == 1.0


def test_one_burst_is_weighed_against_the_belief() -> None:
    # d = 1, nothing left: 0.1 / (1 + 0.1).
    memory = remembered(ModelMemory(since=0.0), 0.0, at(20.0))
    memory = remembered(memory, 120.0, at(10.0))
    assert share_of(memory.rises) == pytest.approx(0.1 / 1.1)


def test_a_burst_after_a_lull_says_no_more_than_that_the_lull_ended() -> None:
    # d = -0.5, then ten times the level: what is left counts as -d at most, (0.1 - 0.25) / (0.25 + 0.1) as 0.
    memory = remembered(ModelMemory(since=0.0), 0.0, at(5.0))
    memory = remembered(memory, 120.0, at(100.0))
    assert memory.falls.product == pytest.approx(-0.25)
    assert share_of(memory.falls) == 0.0


def test_what_the_usual_bursts_bring_teaches_nothing() -> None:
    memory = learned(lambda now: 11.0 if now % 30.0 else 9.0, 3600.0, noise=0.2)
    assert (memory.rises.square, memory.falls.square) == (0.0, 0.0)


def test_a_step_that_stays_is_believed() -> None:
    assert share_of(learned(lambda now: 20.0 if now >= 300.0 else 10.0, 1200.0).rises) == 1.0


def test_an_early_decision_learns_nothing_twice() -> None:
    memory = remembered(ModelMemory(since=0.0), 0.0, at(20.0))
    assert remembered(memory, 5.0, at(20.0)) is memory


def test_no_level_and_loads_out_of_nothing_stay_finite() -> None:
    assert learned(lambda now: 1.0, 600.0, level=0.0).excursions == ()
    memory = learned(lambda now: now, 3600.0, level=1e-300)
    assert 0.0 <= share_of(memory.rises) <= 1.0
    assert 0.0 <= share_of(memory.falls) <= 1.0

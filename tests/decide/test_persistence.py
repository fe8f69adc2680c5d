"""What lasts of a sudden load."""

from collections.abc import Callable

import pytest

from tests.decide.worlds import SETTINGS
from wva.decide.memory import ModelMemory
from wva.decide.persistence import lasting_share, remember_excursion


def learned(fast: Callable[[float], float], seconds: float, level: float = 10.0) -> ModelMemory:
    memory, now = ModelMemory(since=0.0), 0.0
    while now < seconds:
        memory = remember_excursion(memory, now, level, fast(now), 120.0, SETTINGS)
        now += 15.0
    return memory


def test_nothing_seen_is_believed_to_last() -> None:
    assert lasting_share(ModelMemory(since=0.0)) == 1.0


def test_short_bursts_are_learned_not_to_last() -> None:
    # Twice the level for 60 s of each 600 s: nothing of it is there 120 s later.
    memory = learned(lambda now: 20.0 if now % 600.0 < 60.0 else 10.0, 3600.0)
    assert lasting_share(memory) < 0.05


def test_one_burst_is_weighed_against_the_belief() -> None:
    # d = 1, nothing left: 0.1 / (1 + 0.1).
    memory = remember_excursion(ModelMemory(since=0.0), 0.0, 10.0, 20.0, 120.0, SETTINGS)
    memory = remember_excursion(memory, 120.0, 10.0, 10.0, 120.0, SETTINGS)
    assert lasting_share(memory) == pytest.approx(0.1 / 1.1)


def test_a_step_that_stays_is_believed() -> None:
    assert lasting_share(learned(lambda now: 20.0 if now >= 300.0 else 10.0, 1200.0)) == 1.0


def test_an_early_decision_learns_nothing_twice() -> None:
    memory = remember_excursion(ModelMemory(since=0.0), 0.0, 10.0, 20.0, 120.0, SETTINGS)
    assert remember_excursion(memory, 5.0, 10.0, 20.0, 120.0, SETTINGS) is memory


def test_no_level_and_loads_out_of_nothing_stay_finite() -> None:
    assert learned(lambda now: 1.0, 600.0, level=0.0).excursions == ()
    assert 0.0 <= lasting_share(learned(lambda now: now, 3600.0, level=1e-300)) <= 1.0

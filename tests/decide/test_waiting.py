"""Room that prompts need so that they do not wait too long for each other."""

import pytest

from tests.decide.worlds import MODEL, variant
from wva.decide.capacity import ReplicaCapacity, replica_capacity
from wva.decide.waiting import room_for_waiting
from wva.engine.capacity import Binding
from wva.engine.mix import RequestMix


def replicas_of(prompt_share: float, long_prompt: float) -> ReplicaCapacity:
    """Each serves 5 requests a second."""
    return ReplicaCapacity(5.0, 1000.0, 60.0, Binding.TPOT, prompt_share, long_prompt)


@pytest.mark.parametrize(
    ("load", "prompt_share", "long_prompt", "room"),
    [
        # One replica may be busy with prompts for 1 / (1 + 16 x 0.05) = 0.556 of its time; it would be so for 0.8.
        (5.0, 0.8, 0.05, 1.0 - (1.0 / 1.8) / 0.8),
        (1.0, 0.8, 0.05, 1.0 - (1.0 / 1.8) / 0.8),  # less load needs one replica as well
        # Of four each may be for 1 / (1 + 8 x 0.05) = 0.714, of sixteen for 1 / (1 + 4 x 0.05) = 0.833.
        (20.0, 0.8, 0.05, 1.0 - (1.0 / 1.4) / 0.8),
        (80.0, 0.8, 0.05, 0.0),
        (5.0, 0.5, 0.05, 0.0),  # busy with answers first
        (5.0, 0.8, 0.0, 0.0),  # prompts of no length
        (5.0, 1.0, 2.0, 0.6),  # prompts that miss the objective by themselves: not for any price
    ],
)
def test_long_prompts_leave_engines_idle_for_some_time(
    load: float, prompt_share: float, long_prompt: float, room: float
) -> None:
    assert room_for_waiting(load, replicas_of(prompt_share, long_prompt)) == pytest.approx(room)


def test_what_a_prompt_finds_under_way_is_as_long_as_two() -> None:
    def long_prompt(tokens: float, slowness: float = 1.0) -> float:
        found = replica_capacity(MODEL, variant(), RequestMix(tokens, 30.0), slowness)
        assert found is not None
        return found.long_prompt

    assert long_prompt(4000.0) == pytest.approx(2.0 * long_prompt(2000.0), rel=0.15)
    assert long_prompt(2000.0, slowness=1.5) == pytest.approx(1.5 * long_prompt(2000.0), rel=0.1)

import pytest

from tests.policies.fleets import observation, replica, seen
from wva.fleet.errors import UserError
from wva.policies.registry import make
from wva.policies.schedule import SchedulePolicy


@pytest.mark.parametrize(
    ("now", "target"),
    [
        (0.0, 2),  # nothing is laid down yet: it stays at the two that are desired
        (10.0, 4),
        (19.9, 4),
        (20.0, 1),
        (1e6, 1),
    ],
)
def test_the_newest_step_counts(now: float, target: int) -> None:
    policy = SchedulePolicy(replicas={"variant": ((10.0, 4), (20.0, 1))})
    plan, memory = policy(observation(now, seen(2, [replica(), replica()])), policy.initial_memory())
    (part,) = plan.variants
    assert (part.expected, part.target, part.publish) == (2, target, target)
    assert memory == policy.initial_memory()


def test_bounds_hold_and_other_variants_stay() -> None:
    policy = SchedulePolicy(replicas={"a": ((0.0, 9),), "b": ((0.0, 0),)})
    variants = (seen(3, [], highest=5, name="a"), seen(3, [], name="b"), seen(3, [], name="c"))
    plan, _ = policy(observation(0, *variants), policy.initial_memory())
    assert [part.target for part in plan.variants] == [5, 1, 3]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([[10, 1], [10, 2]], "replicas of a must go forward in time"),
        ([[0, -1]], "replicas of a must be 0 or more"),
        ([[0, 1.5]], "Input should be a valid integer"),
    ],
)
def test_mistakes_are_told(steps: list[list[float]], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make("schedule", {"replicas": {"a": steps}})

from tests.policies.fleets import observation, replica, seen
from wva.fleet.replica import Phase
from wva.policies.static import StaticMemory, StaticPolicy


def test_configured_counts_hold_within_bounds() -> None:
    policy = StaticPolicy(replicas={"a": 7, "b": 0})
    a = seen(1, [], highest=5, name="a")
    b = seen(4, [replica(), replica(phase=Phase.DRAINING)], lowest=0, name="b")
    plan, memory = policy(observation(10, a, b), policy.initial_memory())
    assert [(part.variant, part.expected, part.target, part.publish) for part in plan.variants] == [
        ("a", 0, 5, 5),
        ("b", 1, 0, 0),
    ]
    assert memory == policy.initial_memory()
    assert (plan.id, plan.observation, plan.valid_until) == ("at-10/static", "at-10", 70.0)


def test_other_variants_stay_as_first_seen() -> None:
    policy = StaticPolicy()
    _, memory = policy(observation(0, seen(3, [])), policy.initial_memory())
    assert memory == StaticMemory(first_seen={"variant": 3})
    plan, later = policy(observation(15, seen(9, []), seen(2, [], name="late")), memory)
    assert [part.target for part in plan.variants] == [3, 2]
    assert later.first_seen == {"variant": 3, "late": 2}
    plan, last = policy(observation(30, seen(9, []), seen(9, [], name="late")), later)
    assert [part.target for part in plan.variants] == [3, 2]
    assert last is later


def test_models_out_of_scope_are_left_alone() -> None:
    policy = StaticPolicy()
    plan, memory = policy(observation(0, seen(3, []), scope=("other",)), policy.initial_memory())
    assert plan.variants == ()
    assert memory.first_seen == {}

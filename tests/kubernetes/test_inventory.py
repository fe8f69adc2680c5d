"""What is free, what may be ordered, and what does not come."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes import bodies
from wva.fleet.inventory import Pool, Supply
from wva.kubernetes.inventory import PoolPolicy, Pools, inventory
from wva.kubernetes.objects.node import Node, node
from wva.kubernetes.objects.pod import Pod, PodPhase, pod
from wva.kubernetes.objects.workload import Refusal
from wva.kubernetes.resources import NONE, Gpus
from wva.kubernetes.shortage import (
    Attempt,
    Patience,
    Shortages,
    Waits,
    learn,
    longest_wait_s,
    refused,
    updated,
    waiting,
)

H100 = "H100-80GB"
FIXED = Pools(otherwise=PoolPolicy(Supply.FIXED))


def on(name: str, gpus: int | None = 1, **more: Any) -> Pod:
    """A pod on a node, of whatever workload."""
    return replace(pod(bodies.pod("p", name)), gpus=Gpus("nvidia.com/gpu", gpus), **more)


def nodes(*gpus: int, **spec: Any) -> list[Node]:
    return [node(bodies.node(f"n{place + 1}", count, **spec)) for place, count in enumerate(gpus)]


def pool(found: list[Node] | None, pods: list[Pod], pools: Pools = FIXED, short_of: tuple[str, ...] = ()) -> Pool:
    (only,) = inventory(found, pods, [H100, H100], pools, short_of).pools
    return only


def test_what_any_pod_holds_is_not_free() -> None:
    pods = [on("n1", 3), on("n1", 1), on("n2", 8), on("n3", 2, phase=PodPhase.SUCCEEDED), on("n3", 1, deleted_at=1.0)]
    assert pool(nodes(8, 8, 8), pods) == Pool(H100, H100, Supply.FIXED, 24, (4, 7), ("n1", "n3"))


def test_a_node_with_an_unknown_holder_has_nothing_to_give() -> None:
    assert pool(nodes(8, 4), [on("n1", None), on("n1", 1)]).free_by_node == (4,)


def test_nodes_that_take_nobody_or_have_something_else_do_not_count() -> None:
    other = node(bodies.node("x", 8, product="NVIDIA-L4"))
    bare = node(bodies.node("y", 0))
    sliced = replace(node(bodies.node("z")), gpus=Gpus("nvidia.com/mig-1g.10gb", 7))
    assert pool([*nodes(8, unschedulable=True), other, bare, sliced], []) == Pool(H100, H100, Supply.FIXED, 8, (), ())
    assert node(bodies.node("y", 0)).gpus == NONE


def test_supply_is_unknown_unless_somebody_promises_it() -> None:
    unknown = Pool(H100, H100, Supply.UNKNOWN, None, None)
    assert pool(nodes(8), [], Pools()) == unknown
    assert pool(None, []) == unknown, "nodes may not be read"
    assert pool(nodes(8), [], Pools({H100: PoolPolicy(Supply.ELASTIC)})) == replace(unknown, supply=Supply.ELASTIC)


@pytest.mark.parametrize(
    ("policy", "present", "free"),
    [
        pytest.param(PoolPolicy(Supply.ELASTIC, 32), (8,), (5, 8, 8, 8), id="whole nodes up to the limit"),
        pytest.param(PoolPolicy(Supply.ELASTIC, 31), (8,), (5, 8, 8), id="no part of a node"),
        pytest.param(PoolPolicy(Supply.ELASTIC, 16, 4), (8,), (5, 4, 4), id="of a size"),
        pytest.param(PoolPolicy(Supply.ELASTIC, 8), (8, 8), (5, 8), id="more than the limit is there"),
        pytest.param(PoolPolicy(Supply.ELASTIC, 16), (), (), id="no size is known"),
    ],
)
def test_an_elastic_pool_can_be_ordered_up_to_its_limit(
    policy: PoolPolicy, present: tuple[int, ...], free: tuple[int, ...]
) -> None:
    found = pool(nodes(*present), [on("n1", 3)], Pools({H100: policy}))
    assert (found.free_by_node, found.total_gpus) == (free, policy.limit_gpus)


def test_what_is_short_is_only_what_is_there() -> None:
    policy = Pools({H100: PoolPolicy(Supply.ELASTIC, 32)})
    assert pool(nodes(8), [on("n1", 3)], policy, (H100,)).free_by_node == (5,)
    assert pool(None, [], FIXED, (H100,)).free_by_node == ()
    assert pool(nodes(8), [], Pools(), ("L4",)).free_by_node is None


def test_a_policy_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PoolPolicy(Supply.ELASTIC, 0)


PATIENCE = Patience()


def wait(created: float, scheduled: float | None = None) -> Pod:
    """A pod that got a node then, or none takes yet."""
    message = None if scheduled is not None else "0/1 nodes are available"
    bare = pod(bodies.pod("p", None if scheduled is None else "n1"))
    return replace(bare, created_at=created, scheduled_at=scheduled, unschedulable=message, unschedulable_since=created)


def test_how_long_nodes_take_is_learned_from_pods_that_waited() -> None:
    learned = learn({}, {H100: [wait(0, 200), wait(0, 2)]}, 60)
    assert learned == {H100: Waits(200, 50, 200)}, "what was scheduled at once says nothing"
    assert longest_wait_s(learned[H100], PATIENCE) == 400
    # 300 is 100 off: the mean moves by a fifth of it, and the deviation of 50 by a fifth of 50.
    again = learn(learned, {H100: [wait(0, 200), wait(100, 400)]}, 60)
    assert again == {H100: Waits(220, 60, 400)}
    assert longest_wait_s(None, PATIENCE) == 600
    assert longest_wait_s(Waits(10, 1, 0), PATIENCE) == 60


def test_a_pod_that_waits_longer_than_usual_is_a_shortage() -> None:
    usual = Waits(200, 50, 0)
    assert waiting(H100, [wait(0)], usual, 400, PATIENCE) == Attempt(H100, None, "", None)
    late = waiting(H100, [wait(0), wait(50), wait(0, 90)], usual, 451, PATIENCE)
    assert (late.refused_since, late.came_at) == (400, 90)
    assert late.cause == "no node takes p for more than 400 s: 0/1 nodes are available"
    gone = replace(wait(0), deleted_at=300.0)
    assert waiting(H100, [gone], usual, 1000, PATIENCE).refused_since is None


def run(*events: tuple[float, float | None, float | None]) -> Shortages:
    """The memory after attempts: now, refused since, came at."""
    memory = Shortages()
    for now, since, came in events:
        memory = updated(memory, [Attempt(H100, since, "none", came)], now, PATIENCE)
    return memory


def test_pauses_grow_while_nothing_comes_and_end_when_something_does() -> None:
    first = run((1000, 900, None))
    assert first.short_of(1299) == {H100}
    assert first.short_of(1300) == set(), "it is tried again"
    assert run((1000, 900, None), (1100, 900, None)) == first, "the same failure counts once"
    second = run((1000, 900, None), (1300, 900, None))
    assert (second.open[H100].failures, second.open[H100].until) == (2, 1900)
    later = run(*((1000 + 10_000 * place, 900, None) for place in range(40)))
    assert later.open[H100].until - (1000 + 10_000 * 39) == 3600
    assert run((1000, 900, None), (1300, None, None)).open[H100].failures == 1, "kept while it is not known to come"
    assert run((1000, 900, None), (1300, None, 1250)).open == {}


def test_a_shortage_does_not_open_over_what_came_after_all() -> None:
    assert run((1000, 900, 950)).open == {}
    assert run((1000, 900, 850)).short_of(1000) == {H100}


def test_a_refused_quota_holds_one_variant_until_a_pod_of_it_is_made() -> None:
    message = 'pods "v-1" is forbidden: exceeded quota: gpus'
    refusal = Refusal("FailedCreate", message, 900.0)
    full = updated(Shortages(), [refused("team/v", refusal, [wait(100, 110)], 1000)], 1000, PATIENCE)
    assert full.short_of(1000) == {"team/v"}
    assert full.open["team/v"].cause == message
    withdrawn = updated(full, [refused("team/v", None, [wait(100, 110)], 1100)], 1100, PATIENCE)
    assert withdrawn == full, "nothing is refused because nothing is asked for"
    assert updated(full, [refused("team/v", None, [wait(1400, 1410)], 1420)], 1420, PATIENCE).open == {}
    other = Refusal("FailedCreate", "an admission webhook said no", 900.0)
    assert refused("team/v", other, [], 1000) == Attempt("team/v", None, "", None)


@given(st.lists(st.tuples(st.floats(0, 500), st.booleans(), st.booleans()), max_size=30))
def test_pauses_are_bounded_and_grow_only_by_failures(steps: list[tuple[float, bool, bool]]) -> None:
    memory, now = Shortages(), 0.0
    for ahead, fails, came in steps:
        now += ahead
        before = memory.open.get(H100)
        memory = updated(memory, [Attempt(H100, now if fails else None, "", now if came else None)], now, PATIENCE)
        after = memory.open.get(H100)
        if after is not None:
            assert after.until <= now + PATIENCE.longest_s
            assert after.failures <= (before.failures if before else 0) + 1
        if before is not None and now < before.until and not came:
            assert after == before

"""What the simulated body answers to a plan, and what it then does."""

from dataclasses import replace

import pytest

from tests.simulate.fleets import Rig, plan, ps, variant
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import VariantPlan, Victim


def apply(rig: Rig, *parts: VariantPlan, made_s: float = 100.0, applied_s: float = 100.0) -> tuple[Outcome, ...]:
    return rig.fleet.apply(plan(made_s, *parts, valid_s=60.0), ps(applied_s))


def part(expected: int, target: int, name: str = "v") -> VariantPlan:
    return VariantPlan(name, expected, target, target)


@pytest.mark.parametrize(
    ("expected", "target", "result", "replicas", "detail"),
    [
        pytest.param(2, 4, Result.APPLIED, 4, None, id="grows"),
        pytest.param(2, 1, Result.APPLIED, 1, None, id="shrinks"),
        pytest.param(2, 2, Result.APPLIED, 2, None, id="stays"),
        pytest.param(2, 9, Result.CLAMPED, 5, "max 5", id="not above max"),
        pytest.param(2, 0, Result.CLAMPED, 1, "min 1", id="not below min"),
        pytest.param(1, 4, Result.CONFLICT, 2, "1 expected, 2 found", id="expects fewer than there are"),
        pytest.param(3, 1, Result.CONFLICT, 2, "3 expected, 2 found", id="expects more than there are"),
        pytest.param(3, 2, Result.CONFLICT, 2, "3 expected, 2 found", id="expects wrongly and wants what there is"),
    ],
)
def test_the_body_answers(expected: int, target: int, result: Result, replicas: int, detail: str | None) -> None:
    rig = Rig(variant(lowest=1, most=5), v=2).until(100)
    assert apply(rig, part(expected, target)) == (Outcome("plan-100", "v", result, replicas, detail),)
    assert rig.desired() == len(rig.phases()) == replicas


@pytest.mark.parametrize(("applied_s", "result"), [(160.0, Result.APPLIED), (160.001, Result.CONFLICT)])
def test_a_plan_holds_up_to_its_last_instant(applied_s: float, result: Result) -> None:
    rig = Rig(v=2).until(applied_s)
    (outcome,) = apply(rig, part(2, 3), made_s=100.0, applied_s=applied_s)
    assert outcome.result is result
    assert rig.desired() == outcome.replicas == (3 if result is Result.APPLIED else 2)


@pytest.mark.parametrize("expected", [2, 3])
def test_a_refused_part_changes_nothing(expected: int) -> None:
    rig = Rig(v=2).until(100)
    before = [(replica.id, replica.phase, replica.since) for replica in rig.fleet.replicas]
    usage = [replace(one) for one in rig.fleet.usage]
    revision = rig.fleet.revision
    apply(rig, part(expected, 0), applied_s=161.0 if expected == 2 else 100.0)
    assert [(replica.id, replica.phase, replica.since) for replica in rig.fleet.replicas] == before
    assert list(rig.fleet.usage) == usage
    assert rig.fleet.revision == revision


def test_parts_are_judged_one_by_one() -> None:
    rig = Rig(variant("a"), variant("b"), variant("c"), a=1, b=1, c=1).until(100)
    results = [outcome.result for outcome in apply(rig, part(1, 2, "c"), part(2, 5, "a"), part(1, 0, "b"))]
    assert results == [Result.APPLIED, Result.CONFLICT, Result.APPLIED]
    assert [rig.desired(name) for name in "abc"] == [1, 0, 2]


def test_a_variant_that_is_not_there_is_refused_and_the_others_go_on() -> None:
    rig = Rig(v=1).until(100)
    unknown, known = apply(rig, part(1, 3, "w"), part(1, 3, "v"))
    assert (unknown.result, unknown.replicas, unknown.detail) == (Result.REFUSED, 0, "no such variant")
    assert (known.result, rig.desired()) == (Result.APPLIED, 3)


def test_a_variant_that_a_plan_leaves_out_stays_as_it_is() -> None:
    rig = Rig(variant("a"), variant("b"), a=1, b=2).until(100)
    assert [outcome.variant for outcome in apply(rig, part(1, 0, "a"))] == ["a"]
    assert rig.desired("b") == 2


def victims(*names: str) -> tuple[Victim, ...]:
    return tuple(Victim(name, None) for name in names)


@pytest.mark.parametrize(
    ("named", "target", "stay"),
    [
        pytest.param((), 2, ["v-1", "v-2"], id="its own choice is the newest"),
        pytest.param(("v-1",), 2, ["v-2", "v-3"], id="the named one"),
        pytest.param(("v-2",), 1, ["v-1"], id="the named one, then its own choice"),
        pytest.param(("v-1", "v-2"), 2, ["v-2", "v-3"], id="no more than the plan asks for, in its order"),
        pytest.param(("gone", "v-1"), 2, ["v-2", "v-3"], id="one that is gone is passed over"),
        pytest.param(("v-1", "v-1"), 1, ["v-2"], id="one that is named twice goes once"),
        pytest.param(("v-1",), 3, ["v-1", "v-2", "v-3"], id="nobody goes where the count stays"),
    ],
)
def test_the_body_stops_those_that_the_plan_names(named: tuple[str, ...], target: int, stay: list[str]) -> None:
    rig = Rig(v=3).until(100)
    assert rig.observe().variants[0].traits.chooses_victims
    apply(rig, replace(part(3, target), victims=victims(*named)))
    assert list(rig.phases()) == stay


def test_a_victim_of_another_variant_is_not_touched() -> None:
    rig = Rig(variant("a"), variant("b"), a=2, b=1).until(100)
    apply(rig, replace(part(2, 1, "a"), victims=victims("b-1", "a-1")))
    assert list(rig.phases()) == ["a-2", "b-1"]


def test_growth_into_the_hardware_of_others_waits_until_they_are_gone() -> None:
    # b-1 answers until 140 s (5000 tokens, 10 ms each, from 90 s); the node is full.
    rig = Rig(
        variant("a"), variant("b", model="n"), requests=[(90, 10, 5000, "n")], nodes=[("gpu", 2, 1)], a=1, b=1
    ).until(100)
    grows = replace(part(1, 2, "a"), after_freed=("b-1",))
    shrinks = replace(part(1, 0, "b"), victims=victims("b-1"))
    first, _ = apply(rig, grows, shrinks)
    assert (first.result, first.replicas, first.detail) == (Result.PENDING, 1, "waits for b-1 to be gone")
    assert rig.phases() == {"a-1": "ready", "b-1": "draining"}
    rig.until(139)
    (second,) = apply(rig, grows, made_s=139.0, applied_s=139.0)
    assert (second.result, rig.desired("a")) == (Result.PENDING, 1)
    rig.until(141)
    (third,) = apply(rig, grows, made_s=141.0, applied_s=141.0)
    assert (third.result, third.replicas) == (Result.APPLIED, 2)
    assert rig.phases() == {"a-1": "ready", "a-2": "starting"}
    assert rig.fleet.usage[0].scale_ups == 1


def test_hardware_that_comes_free_in_the_same_plan_is_grown_into_at_once() -> None:
    # What waits is carried out last, wherever it stands in the plan; outcomes keep the plan's order.
    rig = Rig(variant("a"), variant("b"), nodes=[("gpu", 2, 1)], a=1, b=1).until(100)
    outcomes = apply(rig, replace(part(1, 2, "a"), after_freed=("b-1",)), part(1, 0, "b"))
    assert [(outcome.variant, outcome.result) for outcome in outcomes] == [("a", Result.APPLIED), ("b", Result.APPLIED)]
    assert rig.phases() == {"a-1": "ready", "a-2": "starting"}


def test_a_shrink_does_not_wait_for_others() -> None:
    rig = Rig(variant("a"), variant("b"), a=2, b=1).until(100)
    (outcome,) = apply(rig, replace(part(2, 1, "a"), after_freed=("b-1",)))
    assert (outcome.result, rig.desired("a")) == (Result.APPLIED, 1)


def test_what_is_waited_for_and_crashes_still_holds_its_hardware() -> None:
    rig = Rig(variant("a"), variant("b"), nodes=[("gpu", 2, 1)], a=1, b=1).until(100)
    rig.crash("b")
    (outcome,) = apply(rig, replace(part(1, 2, "a"), after_freed=("b-1",)))
    assert (outcome.result, rig.desired("a")) == (Result.PENDING, 1)


def test_the_nodes_of_replicas_and_of_free_hardware_have_names() -> None:
    rig = Rig(variant("a", gpus=2), variant("b"), nodes=[("gpu", 2, 3)], a=1, b=1).until(100)
    observed = rig.observe()
    assert [[one.node for one in seen.replicas] for seen in observed.variants] == [["gpu/1"], ["gpu/2"]]
    (pool,) = observed.inventory.pools
    assert (pool.nodes, pool.free_by_node) == (("gpu/2", "gpu/3"), (1, 2))


def test_where_nothing_limits_the_fleet_there_are_no_nodes() -> None:
    observed = Rig(v=1).until(100).observe()
    assert observed.variants[0].replicas[0].node is None
    assert observed.inventory.pools == ()


def test_a_target_that_is_reached_orders_nothing_more() -> None:
    rig = Rig(v=2).until(100)
    apply(rig, part(2, 4))
    after = rig.phases()
    for _ in range(3):
        (outcome,) = apply(rig, part(4, 4))
        assert outcome.result is Result.APPLIED
    assert rig.phases() == after
    assert (rig.fleet.usage[0].scale_ups, rig.fleet.usage[0].scale_downs) == (1, 0)


def test_replicas_that_still_wait_start_or_drain_are_counted_as_they_should() -> None:
    # One serves a long request, one is idle; the node has room for one more.
    rig = Rig(requests=[(90, 10, 5000)], nodes=[("gpu", 3, 1)], v=2).until(100)
    apply(rig, part(2, 4))
    assert rig.phases() == {"v-1": "ready", "v-2": "ready", "v-3": "starting", "v-4": "pending"}
    assert rig.desired() == 4, "what starts and what waits is on its way"
    apply(rig, part(4, 0))
    assert rig.phases() == {"v-1": "draining"}
    assert rig.desired() == 0, "what drains is not coming back"


def test_a_plan_that_waits_for_stock_is_pending_until_all_have_hardware() -> None:
    rig = Rig(variant("a"), variant("b"), nodes=[("gpu", 3, 1)], b=1).until(100)
    (first,) = apply(rig, part(0, 4, "a"))
    assert (first.result, first.replicas, first.detail) == (Result.PENDING, 4, "2 waiting for stock")
    apply(rig, part(1, 0, "b"))
    (second,) = apply(rig, part(4, 4, "a"))
    assert (second.result, second.replicas, second.detail) == (Result.PENDING, 4, "1 waiting for stock")
    (third,) = apply(rig, part(4, 3, "a"))
    assert (third.result, third.replicas) == (Result.APPLIED, 3)


def test_growth_and_shrink_are_counted_by_plan_not_by_replica() -> None:
    rig = Rig(variant(lowest=1, most=8), v=1).until(100)
    for expected, target in [(1, 6), (6, 6), (6, 7), (7, 2), (2, 1), (1, 0), (9, 1)]:
        apply(rig, part(expected, target))
    assert (rig.fleet.usage[0].scale_ups, rig.fleet.usage[0].scale_downs) == (2, 2)

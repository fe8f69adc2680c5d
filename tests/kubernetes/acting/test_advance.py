"""What is done next with a variant's pods and count."""

from dataclasses import replace
from typing import Any

import pytest

from tests.kubernetes.acting.made import NOW, ROUTE, deployment, made, managed, out, part
from wva.fleet.plan import VariantPlan, Victim
from wva.kubernetes.acting.advance import DrainSettings, next_steps
from wva.kubernetes.acting.drain import DrainKind
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.steps import (
    CLOSED_COST,
    DRAINING_COST,
    STOPPED_COST,
    MarkDraining,
    Restore,
    SetDeletionCost,
    SetGate,
    Step,
    WriteScale,
)
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import PodPhase
from wva.kubernetes.objects.selector import Selector
from wva.kubernetes.ownership import Mode

OLD, NEW = (1, 20), (1, 22)
GATE, LABEL, GRACE = DrainKind.GATE, DrainKind.LABEL, DrainKind.GRACE
IDLE, BUSY = Load(NOW - 1, 0, 0), Load(NOW - 1, 3, 1)
TAKEN = Condition(Aspect.CONFLICT, True, Because.CHANGED, "somebody else")


def steps(
    found: Managed,
    wanted: VariantPlan | None,
    loads: dict[str, Load] | None = None,
    version: tuple[int, int] = OLD,
    least: int | None = 0,
) -> list[tuple[Any, ...]]:
    given = {f"team/{name}": load for name, load in (loads or {}).items()}
    return [brief(step) for step in next_steps(found, wanted, given, NOW, DrainSettings(version, 600.0), least)]


def brief(step: Step) -> tuple[Any, ...]:
    match step:
        case MarkDraining():
            return "mark", step.pod.name, step.draining.kind, step.labels, step.cost
        case Restore():
            return "restore", step.pod.name
        case SetGate():
            return "gate", step.pod.name, step.serving
        case SetDeletionCost():
            return "cost", step.pod.name, step.cost
        case WriteScale():
            return "count", step.count, step.expected


def gated(*names: str, **more: Any) -> list[Any]:
    return [made(name, serving=True, **more) for name in names]


def test_it_grows_at_once() -> None:
    assert steps(managed(deployment(2), [made("a"), made("b")]), part(5)) == [("count", 5, 2)]
    assert steps(managed(deployment(5), [made("a")]), part(5)) == []
    assert steps(managed(deployment(0), []), part(2)) == [("count", 2, 0)]


def test_it_goes_down_at_once_by_what_is_not_there_yet() -> None:
    assert steps(managed(deployment(5), [made("a"), made("b")]), part(2)) == [("count", 2, 5)]


@pytest.mark.parametrize(
    ("gate", "routes", "version", "expected"),
    [
        (True, [ROUTE], OLD, [("mark", "b", GATE, (), None), ("gate", "b", False)]),
        (True, [ROUTE], NEW, [("mark", "b", GATE, (), CLOSED_COST), ("gate", "b", False)]),
        (False, [ROUTE], NEW, [("mark", "b", LABEL, ("route",), DRAINING_COST)]),
        (False, [], NEW, [("mark", "b", GRACE, (), DRAINING_COST), ("count", 2, 3)]),
        (False, [], OLD, [("count", 2, 3)]),
    ],
)
def test_a_pod_that_serves_is_drained_first_as_its_workload_offers(
    gate: bool, routes: list[Selector], version: tuple[int, int], expected: list[Any]
) -> None:
    pods = gated("a", "b", "c") if gate else [made("a"), made("b"), made("c")]
    found = managed(deployment(3, gated=gate), pods, version=version, routes=routes)
    assert steps(found, part(2, victims=["b"]), version=version) == expected


def test_the_deadline_is_the_plans_or_that_of_the_settings() -> None:
    found = managed(deployment(2, gated=True), gated("a", "b"))
    wanted = replace(part(1), victims=(Victim("team/a", NOW + 7),))
    first = next_steps(found, wanted, {}, NOW, DrainSettings(OLD, 600.0))[0]
    assert isinstance(first, MarkDraining)
    assert first.draining.deadline == NOW + 7
    first = next_steps(found, part(1, victims=["a"]), {}, NOW, DrainSettings(OLD, 600.0))[0]
    assert isinstance(first, MarkDraining)
    assert first.draining.deadline == NOW + 600


@pytest.mark.parametrize("wanted", [None, part(2, expected=2)])
@pytest.mark.parametrize(
    ("load", "deadline", "expected"),
    [
        (IDLE, NOW + 10, [("count", 2, 3)]),
        (BUSY, NOW + 10, []),
        (BUSY, NOW, [("count", 2, 3)]),
        (None, NOW + 10, []),
        (Load(NOW, None, 0), NOW + 10, []),
        (Load(NOW - 57, 0, 0), NOW + 10, []),
    ],
)
def test_a_drained_pod_is_stopped_when_it_is_idle_or_its_time_is_over(
    wanted: VariantPlan | None, load: Load | None, deadline: float, expected: list[Any]
) -> None:
    pods = [*gated("a", "c"), out("b", GATE, deadline=deadline)]
    loads = {} if load is None else {"b": load}
    assert steps(managed(deployment(3, gated=True), pods), wanted, loads) == expected


def test_before_cost_a_closed_gate_chooses_and_before_unreadiness_is_seen_nothing_is_stopped() -> None:
    pods = [*gated("a", "c"), out("b", GATE, ready=True)]
    assert steps(managed(deployment(3, gated=True), pods), None, {"b": IDLE}) == []


def test_a_busy_pod_that_would_be_taken_first_is_waited_for_where_nothing_else_chooses() -> None:
    busy, idle = out("b", GATE, created_at=NOW - 100), out("c", GATE, created_at=NOW - 200)
    found = managed(deployment(3, gated=True), [*gated("a"), busy, idle])
    assert steps(found, None, {"b": BUSY, "c": IDLE}) == []
    assert steps(found, None, {"b": IDLE, "c": BUSY}) == [("count", 2, 3)]
    assert steps(found, None, {"b": IDLE, "c": IDLE}) == [("count", 1, 3)]


def test_with_costs_the_idle_one_is_made_the_cheapest() -> None:
    busy = out("b", LABEL, created_at=NOW - 100, deletion_cost=DRAINING_COST)
    idle = out("c", LABEL, created_at=NOW - 200, deletion_cost=DRAINING_COST)
    found = managed(deployment(3), [made("a"), busy, idle], version=NEW)
    assert steps(found, None, {"b": BUSY, "c": IDLE}, NEW) == [("cost", "c", STOPPED_COST), ("count", 2, 3)]
    again = managed(deployment(3), [made("a"), busy, replace(idle, deletion_cost=STOPPED_COST)], version=NEW)
    assert steps(again, None, {"b": BUSY, "c": IDLE}, NEW) == [("count", 2, 3)]


def test_by_label_before_costs_it_goes_by_whom_the_replica_set_is_expected_to_take() -> None:
    pods = [made("a", changed_at=NOW - 50), made("b", changed_at=NOW - 10), made("c", changed_at=NOW - 90)]
    found = managed(deployment(3), pods)
    assert not found.observation.traits.chooses_victims
    assert steps(found, part(2, victims=["c"])) == [("mark", "b", LABEL, ("route",), None)]
    younger = managed(deployment(3), [out("a", LABEL, changed_at=NOW - 50), pods[1], pods[2]])
    assert steps(younger, None, {"a": IDLE}) == []
    assert steps(younger, part(2)) == [("restore", "a"), ("mark", "b", LABEL, ("route",), None)]


def test_of_those_that_the_replica_set_takes_for_equal_the_drained_one_is_taken_to_go() -> None:
    pods = [made("a"), out("b", LABEL), made("c")]
    assert steps(managed(deployment(3), pods), None, {"b": IDLE}) == [("count", 2, 3)]


def test_unready_pods_go_before_any_that_serves() -> None:
    pending = made("p", ready=False, node=None, phase=PodPhase.PENDING)
    starting = made("s", ready=False)
    found = managed(deployment(4), [made("a"), pending, made("b"), starting])
    assert steps(found, part(3, victims=["a"])) == [("count", 3, 4)]
    assert steps(found, part(2, victims=["a"])) == [("count", 2, 4)]
    assert steps(found, part(1, victims=["a"]), version=NEW) == [
        ("mark", "a", LABEL, ("route",), DRAINING_COST),
        ("count", 2, 4),
    ]


def test_a_pod_that_drains_serves_again_before_one_that_is_not_ready_is_kept() -> None:
    pods = [*gated("a"), out("b", GATE), made("s", ready=False, serving=True, node=None, phase=PodPhase.PENDING)]
    found = managed(deployment(3, gated=True), pods)
    assert steps(found, None, {"b": IDLE}) == []
    assert steps(found, part(2), {"b": IDLE}) == [("restore", "b"), ("gate", "b", True), ("count", 2, 3)]


def test_those_that_are_missed_least_go_first() -> None:
    pods = [made(name, node=node) for name, node in [("a", "n1"), ("b", "n1"), ("c", "n2"), ("d", "n1"), ("e", "n1")]]
    loads = {"a": Load(NOW, 5, 0), "b": Load(NOW, 1, 0, 0.9), "c": Load(NOW, 1, 0, 0.1), "d": Load(NOW, 1, 0, 0.1)}
    found = managed(deployment(5), pods, version=NEW)
    marked = [step[1] for step in steps(found, part(0, victims=["b"]), loads, NEW)]
    assert marked == ["b", "c", "d", "a", "e"]


def test_growing_takes_those_back_that_drain_before_it_orders_more() -> None:
    pods = [made("a"), out("b", LABEL, since=NOW - 90), out("c", LABEL, since=NOW - 30)]
    found = managed(deployment(3), pods, version=NEW)
    assert steps(found, part(2), version=NEW) == [("restore", "c")]
    assert steps(found, part(2, restore=("team/b",)), version=NEW) == [("restore", "b")]
    assert steps(found, part(3), version=NEW) == [("restore", "b"), ("restore", "c")]
    assert steps(found, part(5), version=NEW) == [("restore", "b"), ("restore", "c"), ("count", 5, 3)]


def test_during_a_rollout_it_only_grows() -> None:
    rolling = deployment(3, updated=1)
    found = managed(rolling, [made("a"), made("b"), out("c", LABEL)])
    assert steps(found, part(1)) == []
    assert steps(found, None, {"c": IDLE}) == []
    assert steps(found, part(3)) == [("restore", "c")]
    assert steps(found, part(6)) == [("restore", "c"), ("count", 6, 3)]


@pytest.mark.parametrize(
    "other",
    [{"mode": Mode.ADVISORY}, {"mode": Mode.HPA}, {"mode": Mode.KEDA}, {"conflict": TAKEN}],
)
def test_all_pods_serve_where_the_count_is_not_wvas(other: Any) -> None:
    pods = [*gated("a"), out("b", GATE), made("new", ready=False, serving=False)]
    found = managed(deployment(3, gated=True), pods, **other)
    assert steps(found, None) == [("restore", "b"), ("gate", "b", True), ("gate", "new", True)]


def test_a_paused_variant_is_left_but_new_pods_serve() -> None:
    pods = [*gated("a"), out("b", GATE, deadline=NOW - 1), made("new", ready=False, serving=False)]
    assert steps(managed(deployment(3, gated=True), pods, paused=True), None) == [("gate", "new", True)]


def test_pods_beyond_the_count_are_about_to_go_already() -> None:
    pods = [*gated("a", "c"), out("b", GATE)]
    found = managed(deployment(2, gated=True), pods)
    assert found.observation.desired == 2
    assert steps(found, None, {"b": IDLE}) == []
    assert steps(found, part(2), {"b": IDLE}) == []


def test_a_pod_that_drains_is_not_stopped_below_the_minimum_nor_instead_of_one_that_is_to_come() -> None:
    pods = [*gated("a"), out("b", GATE)]
    assert steps(managed(deployment(2, gated=True), pods, least=2), None, {"b": IDLE}) == []
    assert steps(managed(deployment(3, gated=True), pods), None, {"b": IDLE}) == []
    assert steps(managed(deployment(2, gated=True), pods), None, {"b": IDLE}) == [("count", 1, 2)]


def stateful(replicas: int, **more: Any) -> Any:
    return deployment(replicas, kind="StatefulSet", **more)


def test_a_stateful_set_loses_its_highest_numbers() -> None:
    pods = [made(f"d-{place}") for place in range(4)]
    found = managed(stateful(4), pods, version=NEW)
    assert not found.observation.traits.chooses_victims
    marks = [("mark", "d-3", LABEL, ("route",), None), ("mark", "d-2", LABEL, ("route",), None)]
    assert steps(found, part(2, victims=["d-0"]), version=NEW) == marks
    drained = [*pods[:2], out("d-2", LABEL), out("d-3", LABEL)]
    assert steps(managed(stateful(4), drained), None, {"d-2": IDLE}) == []
    assert steps(managed(stateful(4), drained), None, {"d-3": IDLE}) == [("count", 3, 4)]
    assert steps(managed(stateful(4), drained), None, {"d-2": IDLE, "d-3": IDLE}) == [("count", 2, 4)]
    assert steps(managed(stateful(4), drained), part(3)) == [("restore", "d-2")]


def test_a_stateful_sets_numbers_may_begin_elsewhere_and_have_gaps() -> None:
    pods = [made(f"d-{place}") for place in (5, 6, 8)]
    found = managed(stateful(4, first_ordinal=5), pods)
    assert steps(found, part(2)) == [("mark", "d-8", LABEL, ("route",), None)]
    drained = [made("d-5"), made("d-6"), out("d-8", LABEL)]
    assert steps(managed(stateful(4, first_ordinal=5), drained), part(2), {"d-8": IDLE}) == [("count", 2, 4)]


def test_a_pod_whose_mark_nobody_can_read_serves_again() -> None:
    pods = [made("a"), made("b", draining='{"method":"unheard of","labels":{"route":"on"}}')]
    found = managed(deployment(2), pods)
    assert ("restore", "b") in steps(found, None)
    assert [step for step in steps(found, part(2, 2)) if step[0] in ("restore", "count")] == [("restore", "b")]


@pytest.mark.parametrize(("load", "limit_s"), [(None, 5.0), (IDLE, 5.0), (BUSY, 600.0), (Load(NOW, None, 0), 600.0)])
@pytest.mark.parametrize("opened", [True, False])
def test_one_that_starts_behind_a_gate_is_closed_before_it_is_stopped(
    opened: bool, load: Load | None, limit_s: float
) -> None:
    starting = made("s", ready=False, serving=opened)
    found = managed(deployment(3, gated=True), [*gated("a", "b"), starting])
    loads = {} if load is None else {"team/s": load}
    first, *rest = next_steps(found, part(2), loads, NOW, DrainSettings(OLD, 600.0))
    assert isinstance(first, MarkDraining)
    assert (first.pod.name, first.draining.deadline) == ("s", NOW + limit_s)
    assert [brief(step) for step in rest] == ([("gate", "s", False)] if opened else [])


def test_one_without_a_node_is_stopped_at_once() -> None:
    waiting = made("w", ready=False, serving=False, node=None, phase=PodPhase.PENDING)
    found = managed(deployment(3, gated=True), [*gated("a", "b"), waiting])
    assert ("count", 2, 3) in steps(found, part(2))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, []),
        (part(1), []),
        # The idle one is about to be deleted; the other is wanted again, and then both.
        (part(2), [("restore", "c"), ("gate", "c", True)]),
        (part(3), [("count", 3, 2), ("restore", "b"), ("restore", "c"), ("gate", "b", True), ("gate", "c", True)]),
    ],
)
def test_while_the_workload_stops_some_those_that_are_wanted_are_taken_back(
    wanted: VariantPlan | None, expected: list[Any]
) -> None:
    pods = [*gated("a"), out("b", GATE), out("c", GATE)]
    assert steps(managed(deployment(2, gated=True), pods), wanted, {"b": IDLE, "c": BUSY}) == expected


def test_pods_that_are_not_seen_yet_are_not_taken_to_be_stopped_before_those_that_have_work() -> None:
    found = managed(deployment(4, gated=True), [*gated("a"), out("b", GATE)])
    assert steps(found, part(1), {"b": BUSY}) == []
    assert steps(found, part(1), {"b": IDLE}) == [("count", 1, 4)]


@pytest.mark.parametrize(("least", "expected"), [(None, []), (3, []), (2, [("count", 2, 3)]), (1, [("count", 2, 3)])])
def test_without_a_plan_no_more_is_stopped_than_the_last_one_wanted(least: int | None, expected: list[Any]) -> None:
    pods = [*gated("a", "c"), out("b", GATE)]
    assert steps(managed(deployment(3, gated=True), pods), None, {"b": IDLE}, least=least) == expected


def test_those_that_are_made_the_cheapest_are_taken_to_go_before_that_is_seen() -> None:
    busy = out("b", LABEL, deletion_cost=DRAINING_COST, node="n1")
    beside = made("c", node="n1")
    idle = out("d", LABEL, deletion_cost=DRAINING_COST, node="n2")
    found = managed(deployment(2), [busy, beside, idle], version=NEW)
    assert steps(found, part(2), {"b": BUSY, "d": IDLE}, NEW) == [("restore", "b")]


def test_of_equals_the_one_that_is_done_is_taken_to_go_while_the_workload_stops_some() -> None:
    pods = [*gated("a"), out("b", GATE), out("c", GATE)]
    found = managed(deployment(2, gated=True), pods)
    for busy, idle in (("b", "c"), ("c", "b")):
        wanted = steps(found, part(2), {busy: BUSY, idle: IDLE})
        assert wanted == [("restore", busy), ("gate", busy, True)]


def test_one_that_was_closed_counts_as_closed_though_it_is_not_seen_yet() -> None:
    closed = out("b", GATE, ready=True)
    done = out("c", GATE, created_at=closed.created_at)
    found = managed(deployment(3, gated=True), [*gated("a"), closed, done])
    assert steps(found, None, {"b": BUSY, "c": IDLE}) == []

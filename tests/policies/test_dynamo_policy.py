"""Dynamo's planners over time: whose traffic is whose, and how the two loops work together."""

from collections.abc import Sequence
from dataclasses import fields, replace
from math import ceil
from typing import Any

import pytest

from tests.policies.fleets import observation, seen
from tests.policies.gateways import gateway, traffic
from wva.decide.capacity import prior_server
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.policies.dynamo.config import LoadPredictor, OptimizationTarget
from wva.policies.dynamo.memory import DynamoMemory, PlannerMemory
from wva.policies.dynamo.perf_model import find_engine_capacity
from wva.policies.dynamo.policy import DynamoPolicy
from wva.policies.dynamo.traffic import arrival_rate, begun, count_finished, shares

_UNKNOWN: dict[str, Any] = {field.name: None for field in fields(InstanceMetrics)}
CONSTANT = DynamoPolicy(load_predictor=LoadPredictor.CONSTANT)
TRAFFIC_ALONE = replace(CONSTANT, enable_load_scaling=False)


def metrics(finished: float = 0.0, running: float = 0.0, waiting: float = 0.0, kv: float = 0.0) -> InstanceMetrics:
    """An engine that serves prompts of 1,000 and answers of 250 tokens."""
    known = {
        "age_s": 1.0,
        "running": running,
        "waiting": waiting,
        "kv_usage": kv,
        "requests_finished_total": finished,
        "requests_finished_rate_5m": 1.0,
        "input_tokens_mean_5m": 1000.0,
        "output_tokens_mean_5m": 250.0,
        "prefix_hit_rate_5m": 0.0,
        "prompt_tokens_rate_5m": 1000.0,
        "inter_token_mean_5m_s": 0.01,
    }
    return InstanceMetrics(**{**_UNKNOWN, **known})


def replica(name: str, shown: InstanceMetrics | None, phase: Phase = Phase.READY) -> Replica:
    return Replica(name, phase, None, 0.0, None, None, None, None, (Instance(name, 400_000, shown),))


def variant(
    *shown: InstanceMetrics | None, name: str = "variant", highest: int = 100, starting: int = 0
) -> VariantObservation:
    """A variant whose ready replicas show that, and with so many that start."""
    replicas = [replica(f"{name}-{number}", one) for number, one in enumerate(shown)]
    replicas += [replica(f"{name}-starting-{number}", None, Phase.STARTING) for number in range(starting)]
    return seen(len(replicas), replicas, highest=highest, name=name)


def at(now: float, arrivals: float | None, *variants: VariantObservation) -> Observation:
    return replace(observation(now, *variants), models=(gateway(traffic(age_s=1.0, arrivals_total=arrivals)),))


def targets(plan: Plan) -> list[int]:
    return [part.target for part in plan.variants]


def played(
    policy: DynamoPolicy, story: Sequence[tuple[float, float | None, tuple[VariantObservation, ...]]]
) -> list[list[int]]:
    """The targets after each of (time, arrivals so far, variants)."""
    memory = policy.initial_memory()
    found = []
    for now, arrivals, variants in story:
        plan, memory = policy(at(now, arrivals, *variants), memory)
        found.append(targets(plan))
    return found


def engine_rps() -> float:
    """What one engine of the variant does within the objectives."""
    model = gateway(None).model
    server = prior_server(model, variant().variant)
    assert server is not None
    found = find_engine_capacity(server, 1000.0, 250.0, 0.0, 2.0, 0.1)
    assert found is not None
    assert found.eligible
    return found.rps


def test_the_throughput_loop_alone_orders_what_the_interval_asked_for() -> None:
    policy = TRAFFIC_ALONE
    requests = 3.5 * engine_rps() * 180
    two = (variant(metrics(), metrics()),)
    assert played(policy, [(0, 50, two), (165, 50 + requests, two), (180, 50 + requests, two)]) == [[2], [2], [4]]


@pytest.mark.parametrize(
    ("load", "highest", "order"),
    [
        (0.0, 100, 12),  # without a request nothing is known of their lengths, and the count stays
        (0.4, 100, 4),  # 8 fewer at most
        (11.9, 100, 12),
        (30.0, 100, 20),  # 8 more at most
        (30.0, 18, 18),
    ],
)
def test_the_throughput_loop_moves_by_8_at_once_within_the_variants_bounds(
    load: float, highest: int, order: int
) -> None:
    twelve = (variant(*(metrics() for _ in range(12)), highest=highest),)
    story = [(0.0, 0.0, twelve), (180.0, ceil(load * engine_rps() * 180), twelve)]
    assert played(TRAFFIC_ALONE, story)[-1] == [order]


def test_the_traffic_is_a_floor_for_the_load_loop() -> None:
    idle = (variant(metrics(), metrics(), metrics()),)
    story = [(0.0, 0.0, idle), (180.0, 2.5 * engine_rps() * 180, idle)]
    # Idle engines allow one fewer; before the first interval is over nothing forbids it.
    assert played(CONSTANT, [(0.0, 0.0, idle), (5.0, 0.0, idle)])[-1] == [2]
    assert played(CONSTANT, story)[-1] == [3]
    more = [(0.0, 0.0, idle), (180.0, 6.5 * engine_rps() * 180, idle)]
    assert played(CONSTANT, more)[-1] == [7]


def test_a_floor_lasts_until_the_next_interval_is_over() -> None:
    idle = (variant(metrics(), metrics(), metrics()),)
    requests = 2.5 * engine_rps() * 180
    story = [(0.0, 0.0, idle), (180.0, requests, idle), (195.0, requests, idle), (345.0, requests, idle)]
    assert played(CONSTANT, [*story, (360.0, requests, idle)])[1:] == [[3], [3], [3], [2]]


def test_the_load_loop_adds_one_where_all_engines_would_be_late() -> None:
    late = metrics(running=100, waiting=200, kv=0.9)
    # 200 prompts of 1,000 tokens are seconds of work before the next one.
    assert played(CONSTANT, [(0, 0, (variant(late, late),)), (15, 0, (variant(late, late),))])[-1] == [3]
    one_idle = (variant(late, metrics()),)
    assert played(CONSTANT, [(0, 0, one_idle), (15, 0, one_idle)])[-1] == [2]


def test_while_a_replica_starts_or_an_engine_is_silent_nothing_changes() -> None:
    late = metrics(running=100, waiting=200, kv=0.9)
    for found in (variant(late, starting=1), variant(late, None)):
        story = [(15.0 * step, 1e6 * step, (found,)) for step in range(30)]
        assert played(CONSTANT, story) == 30 * [[2]]


def test_the_budget_holds_both_loops() -> None:
    policy = replace(CONSTANT, max_gpu_budget=3)
    late = metrics(running=100, waiting=200, kv=0.9)
    three = (variant(late, late, late),)
    assert played(policy, [(0, 0, three), (180, 1e6, three)])[-1] == [3]


def test_other_targets_know_no_traffic() -> None:
    policy = DynamoPolicy(optimization_target=OptimizationTarget.LATENCY, enable_load_scaling=False)
    busy, idle = (variant(metrics(kv=0.5), metrics()),), (variant(metrics(kv=0.05), metrics()),)
    assert played(policy, [(0, 0, busy), (180, 1e6, busy)])[-1] == [3]
    assert played(policy, [(0, 0, idle), (180, 1e6, idle)])[-1] == [1]


def test_unknown_demand_lets_the_interval_go_on() -> None:
    idle = (variant(metrics(), metrics()),)
    policy = TRAFFIC_ALONE
    requests = 3.5 * engine_rps()
    story = [(0.0, 0.0, idle), (180.0, None, idle), (270.0, 270 * requests, idle)]
    assert played(policy, story) == [[2], [2], [4]]
    # A gateway that began anew has nothing to compare with.
    assert played(policy, [(0.0, 1e6, idle), (180.0, 10.0, idle), (195.0, 1e5, idle)])[:2] == [[2], [2]]


def test_calls_between_looks_change_nothing_but_what_was_counted() -> None:
    policy = CONSTANT
    often, seldom = policy.initial_memory(), policy.initial_memory()
    for step in range(50):
        now = 5.0 * step
        busy = variant(metrics(finished=7.0 * now), metrics(finished=9.0 * now))
        plan, often = policy(at(now, 16.0 * now, busy), often)
        _, often = policy(at(now + 1.0, 16.0 * now, busy), often)
        expected, seldom = policy(at(now, 16.0 * now, busy), seldom)
        assert (targets(plan), often) == (targets(expected), seldom)


def test_each_variant_is_given_the_part_of_the_requests_that_its_engines_took() -> None:
    policy = TRAFFIC_ALONE

    def fleet(one: float, other: float) -> tuple[VariantObservation, ...]:
        return variant(metrics(finished=one), name="one"), variant(metrics(finished=other), name="other")

    requests = 8.0 * engine_rps() * 180
    story = [(0.0, 0.0, fleet(500.0, 0.0)), (180.0, requests, fleet(1100.0, 200.0))]
    # 600 of 800 were finished here and 200 there: 6 and 2 engines.
    assert played(policy, story)[-1] == [6, 2]
    halves = replace(policy, share={"one": 1.0, "other": 1.0})
    assert played(halves, story)[-1] == [4, 4]
    alone = replace(policy, share={"other": 1.0})
    assert played(alone, story)[-1] == [1, 8]


def planner(finished: float = 0.0, in_flight: float = 0.0, **totals: float) -> PlannerMemory:
    return PlannerMemory(looked_at=0.0, finished=finished, in_flight=in_flight, totals=totals)


def test_engines_are_counted_since_they_were_last_looked_at() -> None:
    variants = seen(4, [replica(name, metrics(finished=60.0)) for name in ("old", "new", "anew")])
    silent = seen(1, [replica("old", None)])
    before = planner(5.0, old=50.0, anew=70.0, gone=10.0)
    # 10 more of the old one, 60 of the new one, 60 of the one that began anew.
    after = count_finished(before, variants, 9.0)
    assert (after.finished, dict(after.totals)) == (135.0, {"old": 60.0, "new": 60.0, "anew": 60.0})
    assert count_finished(after, silent, 9.0).finished == 135.0
    assert dict(count_finished(after, silent, 9.0).totals) == {"old": 60.0}
    # What was finished before a planner came is not its affair.
    assert begun(variants, 9.0).finished == 0


def test_shares() -> None:
    one = variant(metrics(running=3.0, waiting=1.0), metrics(running=2.0), name="one")
    other = variant(metrics(running=10.0), name="other")
    idle = variant(name="idle")
    fleet = (one, other, idle)
    # 20 finished and 6 in flight where 2 were; 12 finished and 10 in flight where 22 were, so none taken on.
    planners = {"one": planner(20.0, 2.0), "other": planner(12.0, 22.0), "idle": planner()}
    assert shares(fleet, planners, {}) == {"one": 1.0, "other": 0.0, "idle": 0.0}
    taken = {"one": planner(20.0, 2.0), "other": planner(12.0, 14.0), "idle": planner()}
    # 20 + 6 - 2 = 24 and 12 + 10 - 14 = 8
    assert shares(fleet, taken, {}) == {"one": 0.75, "other": 0.25, "idle": 0.0}
    nothing = {"one": planner(0.0, 6.0), "other": planner(0.0, 10.0), "idle": planner()}
    assert shares(fleet, nothing, {}) == {"one": 2 / 3, "other": 1 / 3, "idle": 0.0}
    assert shares((idle, variant(name="none")), {"idle": planner(), "none": planner()}, {}) == {
        "idle": 0.5,
        "none": 0.5,
    }
    assert shares(fleet, taken, {"idle": 3.0, "other": 1.0}) == {"one": 0.0, "other": 0.25, "idle": 0.75}


def test_a_rate_is_taken_between_two_counts() -> None:
    memory = DynamoMemory()
    policy = DynamoPolicy()
    _, memory = policy(at(100.0, 40.0, variant(metrics())), memory)
    known = memory.models["m"]
    # Both counts were a second old.
    assert arrival_rate(known, 149.0, 140.0) == 2.0
    assert arrival_rate(known, 99.0, 140.0) is None
    assert arrival_rate(known, 149.0, 39.0) is None
    assert arrival_rate(replace(known, counted_at=None), 149.0, 140.0) is None

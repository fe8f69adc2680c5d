"""What no policy may do, whatever it sees: run over every line of the registry and over some configurations.

Every property below ``PROPERTIES`` holds for every policy, unless its entry in ``CLAIMS`` says otherwise and why.
"""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter

from tests.fleet_strategies import Body, Step, Story, stories
from wva.fleet.inventory import Supply
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.policy import Policy
from wva.fleet.replica import Phase
from wva.policies.registry import POLICIES, make

LONGEST_PLAN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Claims:
    """What a policy promises; the defaults are all that there is to promise."""

    within_inventory: bool = True
    """It asks for no more than a fixed, known inventory can give. Otherwise the body clamps."""
    holds_when_blind: bool = True
    """It does not shrink, nor publish 0, while nothing is known."""
    full_window_s: float = 60.0
    """For so many seconds after it first sees a variant it does not shrink it."""
    off_at_zero: bool = False
    """It leaves a count of 0 alone, even below the minimum."""


CLAIMS = {
    # It shrinks once it has seen the load for its whole level window.
    "wva": Claims(full_window_s=300.0),
    # Fixed counts know nothing of hardware.
    "static": Claims(within_inventory=False),
    # Pods beyond the inventory stay pending in Kubernetes, and a count of 0 switches an HPA off.
    "hpa": Claims(within_inventory=False, full_window_s=300.0, off_at_zero=True),
    # What is missing reads as idle; only the HPA behind it holds back, for its window.
    "saturation-percent": Claims(within_inventory=False, holds_when_blind=False, full_window_s=240.0, off_at_zero=True),
    # The HPA behind it has no window.
    "saturation-tokens": Claims(within_inventory=False, holds_when_blind=False, full_window_s=0.0, off_at_zero=True),
    # A series that is not there reads as 0; what was never active goes to its minimum of 0 at once, and what someone
    # else set to 0 stays there until the next poll.
    "keda": Claims(within_inventory=False, holds_when_blind=False, full_window_s=0.0, off_at_zero=True),
    # It goes by the replicas that are ready, whatever is still coming, and by what its window still has.
    "kpa": Claims(within_inventory=False, holds_when_blind=False, full_window_s=0.0),
    # It has no memory of a count when it starts; a count of 0 switches it off.
    "apa": Claims(within_inventory=False, full_window_s=0.0, off_at_zero=True),
    # An HPA with a window of 180 s. No latency is a saturation of 0 in the original, whatever the cause.
    "slo-law": Claims(within_inventory=False, holds_when_blind=False, full_window_s=180.0, off_at_zero=True),
    # A planner knows a budget of GPUs and no inventory. Its load loop shrinks at its first look, 5 s after the start.
    "dynamo": Claims(within_inventory=False, full_window_s=4.5),
}

CONFIGURED: dict[str, tuple[str, dict[str, object], Claims]] = {
    # A count from the user is known, however blind the rest is, and is set at once.
    "static with counts": (
        "static",
        {"replicas": {"variant-0": 3, "variant-1": 0}},
        Claims(within_inventory=False, holds_when_blind=False, full_window_s=0.0),
    ),
    "dynamo by KV cache": ("dynamo", {"optimization_target": "throughput"}, CLAIMS["dynamo"]),
    "dynamo without its load loop": (
        "dynamo",
        {"enable_load_scaling": False, "load_predictor": "constant", "max_gpu_budget": 8, "share": {"variant-0": 1}},
        # A budget is kept whatever is known.
        Claims(within_inventory=False, holds_when_blind=False, full_window_s=179.5),
    ),
    # Its counts were laid down beforehand, whatever is seen.
    "schedule with counts": (
        "schedule",
        {"replicas": {"variant-0": [[0.0, 3], [200.0, 1]], "variant-1": [[100.0, 0]]}},
        Claims(within_inventory=False, holds_when_blind=False, full_window_s=0.0),
    ),
    "hpa without behavior": ("hpa", {"behavior": None}, CLAIMS["hpa"]),
    "hpa with slow rates": (
        "hpa",
        {
            "behavior": {
                "scale_up": {"stabilization_window_s": 60, "policies": [{"type": "Pods", "value": 1, "period_s": 60}]},
                "scale_down": {"policies": [{"type": "Percent", "value": 10, "period_s": 60}], "select": "Min"},
            },
            "starting_is_pending": True,
        },
        CLAIMS["hpa"],
    ),
    # Told that a missing series is an error, KEDA holds; cautious at the start, it waits for a window.
    "keda with errors": (
        "keda",
        {
            "triggers": [
                {"metric": "llm_d_epp_flow_control_pool_saturation", "threshold": 0.7, "metric_type": "Value"},
                {"metric": "vllm:kv_cache_usage_perc", "threshold": 0.8},
            ],
            "ignore_null_values": False,
            "initial_cooldown_period_s": 300,
        },
        Claims(within_inventory=False, full_window_s=300.0, off_at_zero=True),
    ),
    "kpa with a delay": (
        "kpa",
        {
            "target": {"variant-0": 3.0},
            "scale_down_delay_s": 120,
            "activation_scale": 2,
            "panic_window_percentage": 100,
        },
        CLAIMS["kpa"],
    ),
    "apa as before": (
        "apa",
        {
            "metrics_sources": [
                {"target_metric": "vllm:kv_cache_usage_perc", "target_value": 0.5},
                {"target_metric": "vllm:num_requests_waiting", "target_value": 100},
            ],
            "pending_replica_guard": False,
            "cooldown_holds": True,
            "scale_up_cooldown_window_s": 60,
        },
        CLAIMS["apa"],
    ),
    "keda with a guard": ("keda", {"overshoot_guard": True, "shares": {"variant-0": 0.0}}, CLAIMS["keda"]),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A policy with what it promises."""

    policy: Policy[Any]
    claims: Claims
    journal: TypeAdapter[Any]
    """Writes and reads its memory."""


def case_of(policy: Policy[Any], claims: Claims) -> Case:
    return Case(policy, claims, TypeAdapter(type(policy.initial_memory())))


CASES = {name: case_of(make(name), CLAIMS.get(name, Claims())) for name in POLICIES}
CASES |= {title: case_of(make(name, options), claims) for title, (name, options, claims) in CONFIGURED.items()}


@dataclass(frozen=True, slots=True)
class Turn:
    """One decision."""

    step: Step
    observation: Observation
    memory: Memory
    plan: Plan
    after: Memory


def played(policy: Policy[Any], story: Story) -> list[Turn]:
    """All decisions of a story."""
    body = Body(story)
    memory = policy.initial_memory()
    turns = []
    for step, observation in body.steps():
        plan, after = policy(observation, memory)
        turns.append(Turn(step, observation, memory, plan, after))
        body.carry_out(plan)
        memory = after
    return turns


def parts(turn: Turn) -> list[tuple[VariantObservation, VariantPlan]]:
    """What is planned for each variant, with what was seen of it."""
    seen = {variant.variant.name: variant for variant in turn.observation.variants}
    return [(seen[part.variant], part) for part in turn.plan.variants]


def a_plan_covers_the_scope_and_says_why(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        observation, plan = turn.observation, turn.plan
        scope = [v.variant.name for v in observation.variants if v.variant.model in observation.scope]
        assert sorted(part.variant for part in plan.variants) == sorted(scope)
        assert plan.observation == observation.id
        assert observation.now < plan.valid_until <= observation.now + LONGEST_PLAN_S
        for _, part in parts(turn):
            assert part.reasons
            assert all(reason.code and str(reason) for reason in part.reasons)


def a_plan_expects_what_is_there(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        for seen, part in parts(turn):
            staying = {replica.id for replica in seen.replicas if replica.phase is not Phase.DRAINING}
            draining = {replica.id for replica in seen.replicas} - staying
            assert part.expected == len(staying)
            assert {victim.replica for victim in part.victims} <= staying
            assert set(part.restore) <= draining


def a_follower_is_told_the_target_or_nothing(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        for _, part in parts(turn):
            assert part.publish is None or part.publish == part.target


def targets_stay_within_minimum_and_maximum(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        for seen, part in parts(turn):
            if case.claims.off_at_zero and seen.desired == 0 == part.target:
                continue
            assert seen.variant.min_replicas <= part.target <= seen.variant.max_replicas


def targets_stay_within_a_known_inventory(case: Case, turns: list[Turn]) -> None:
    if not case.claims.within_inventory:
        return
    for turn in turns:
        inventory = turn.observation.inventory
        asked: Counter[str] = Counter()
        for seen, part in parts(turn):
            variant = seen.variant
            # What is there, is already ordered, or must be there by its minimum is not asked for anew.
            growth = part.target - max(part.expected, seen.desired, variant.min_replicas)
            supplies = {pool.supply for pool in inventory.pools_of(variant.accelerator)}
            if growth <= 0 or part.after_freed or supplies != {Supply.FIXED}:
                continue
            fits = inventory.fits(variant.accelerator, variant.gpus_per_replica)
            assert fits is None or growth <= fits
            asked[variant.accelerator] += growth * variant.gpus_per_replica
        for accelerator, gpus in asked.items():
            free = inventory.fits(accelerator, 1)
            assert free is None or gpus <= free


def unknown_is_not_zero(case: Case, turns: list[Turn]) -> None:
    if not case.claims.holds_when_blind:
        return
    last: dict[str, int] = {}
    for turn in turns:
        for seen, part in parts(turn):
            if turn.step.blind:
                # A shrink that was decided while metrics were known may still be under way.
                held = min(seen.desired, last.get(part.variant, seen.desired), seen.variant.max_replicas)
                assert part.target >= held
                assert part.publish != 0 or held == 0
            last[part.variant] = part.target


def nothing_shrinks_before_a_full_window_was_seen(case: Case, turns: list[Turn]) -> None:
    first: dict[str, tuple[float, int]] = {}
    for turn in turns:
        now = turn.observation.now
        for seen, part in parts(turn):
            since, count = first.setdefault(part.variant, (now, seen.desired))
            if now - since < case.claims.full_window_s:
                assert part.target >= min(count, seen.desired, seen.variant.max_replicas)


def a_decision_is_a_function_of_observation_and_memory(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        before = deepcopy((turn.observation, turn.memory))
        assert deepcopy(case.policy)(turn.observation, turn.memory) == (turn.plan, turn.after)
        assert (turn.observation, turn.memory) == before


def memory_survives_the_journal(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        restored = case.journal.validate_json(case.journal.dump_json(turn.memory))
        assert restored == turn.memory
        assert case.policy(turn.observation, restored) == (turn.plan, turn.after)


def memory_of_another_version_is_as_good_as_none(case: Case, turns: list[Turn]) -> None:
    for turn in turns:
        foreign = replace(turn.memory, version=turn.memory.version + 1)
        assert case.policy(turn.observation, foreign) == case.policy(turn.observation, case.policy.initial_memory())


PROPERTIES = (
    a_plan_covers_the_scope_and_says_why,
    a_plan_expects_what_is_there,
    a_follower_is_told_the_target_or_nothing,
    targets_stay_within_minimum_and_maximum,
    targets_stay_within_a_known_inventory,
    unknown_is_not_zero,
    nothing_shrinks_before_a_full_window_was_seen,
    a_decision_is_a_function_of_observation_and_memory,
    memory_survives_the_journal,
    memory_of_another_version_is_as_good_as_none,
)


# Drawing a story costs far more than checking it, so every property looks at the same ones.
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=stories())
def test_safe(case: Case, story: Story) -> None:
    turns = played(case.policy, story)
    for holds in PROPERTIES:
        holds(case, turns)

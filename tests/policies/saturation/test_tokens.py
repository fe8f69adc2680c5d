"""The token analyzer of a model, worked by hand."""

import pytest

from tests.policies.saturation.builders import NOTHING_HELD, fleet, model, reading, variant
from wva.fleet.variant import Role
from wva.policies.saturation.capacity import Knowledge, Source, TokenThresholds
from wva.policies.saturation.memory import Learned
from wva.policies.saturation.readings import HeldQueue, ModelReading, VariantReading
from wva.policies.saturation.tokens import (
    RoleCapacity,
    VariantCapacity,
    held_tokens,
    mean_lengths,
    median,
    role_capacities,
    token_gauges,
    variant_capacities,
)

DEFAULTS = TokenThresholds()
EXACT = TokenThresholds(scale_up_threshold=0.5, scale_down_boundary=0.25)
"""Thresholds without a remainder in binary."""


def targets(*variants: VariantReading, held: HeldQueue = NOTHING_HELD) -> dict[str, int]:
    gauges = token_gauges(model(*variants, held=held), Knowledge(Learned()), DEFAULTS)
    return {name: gauge.replicas for name, gauge in gauges.items()}


def capacities(seen: ModelReading) -> list[VariantCapacity]:
    return variant_capacities(seen, Knowledge(Learned()), DEFAULTS)


@pytest.mark.parametrize(
    ("ordered", "middle"), [([5], 5), ([1, 4], 2), ([1, 4, 9], 4), ([1, 4, 9, 10], 6), ([2, 2, 3, 3], 2)]
)
def test_the_median(ordered: list[int], middle: int) -> None:
    assert median(ordered) == middle


def test_a_variants_room_is_the_median_of_its_instances() -> None:
    # 10,000 observed, and 80,000 twice: answers of other lengths have not been observed.
    seen = fleet(reading(0.1, 5), reading(0.5, tokens=(0, 1000)), reading(0.6, tokens=(0, 1000)))
    (capacity,) = capacities(model(seen))
    assert (capacity.room, capacity.source, capacity.reporting) == (80_000, Source.DERIVED, 3)
    assert capacity.demand == 10_000 + 50_000 + 60_000
    # Of two the mean is the room, and the lower one is named.
    (capacity,) = capacities(model(fleet(reading(0.5, tokens=(0, 1000)), reading(0.1, 5))))
    assert (capacity.room, capacity.source) == (45_000, Source.OBSERVED)


@pytest.mark.parametrize(
    ("demand", "required", "spare"),
    [
        (40_000, 0.0, 0.0),  # 40,000 / .25 is the supply of 160,000
        (39_999, 0.0, 4.0),
        (80_000, 0.0, 0.0),  # 80,000 / .5 is the supply
        (80_001, 2.0, 0.0),
        (0, 0.0, 160_000.0),
    ],
)
def test_what_is_required_and_to_spare(demand: float, required: float, spare: float) -> None:
    capacity = RoleCapacity(demand, 160_000.0, 160_000.0)
    assert (capacity.required(EXACT), capacity.spare(EXACT)) == (required, spare)


def test_the_default_thresholds_leave_a_gap() -> None:
    # 120,000 / .85 = 141,176 of 160,000, and 120,000 / .7 = 171,429: neither grows nor shrinks.
    assert targets(fleet(reading(0.6), reading(0.6))) == {"a": 2}
    # 140,000 / .85 = 164,706: 4,706 missing.
    assert targets(fleet(reading(0.7), reading(0.7))) == {"a": 3}
    # 50,000 / .7 = 71,429 leaves 88,571, of which a replica is 80,000.
    assert targets(fleet(reading(0.25), reading(0.25))) == {"a": 1}
    # 60,000 / .7 = 85,714 leaves 74,286: no whole replica.
    assert targets(fleet(reading(0.3), reading(0.3))) == {"a": 2}


def test_it_jumps_in_one_step() -> None:
    # 20 requests of 10,000 + 1000 tokens wait: 80,000 + 220,000, of which the room is 80,000 in use.
    # 300,000 / .85 = 352,941, less 80,000 is 272,941: 4 more.
    assert targets(fleet(reading(0.8, 20, tokens=(10_000, 1000)))) == {"a": 5}


def test_replicas_that_start_count_against_growing_only() -> None:
    busy = [reading(0.7), reading(0.7)]
    assert targets(fleet(*busy, pending=1)) == {"a": 3}  # 164,706 of 240,000
    # 50,000 / .7 = 71,429 of the 160,000 that report: one of the three goes.
    assert targets(fleet(reading(0.25), reading(0.25), pending=1)) == {"a": 2}


def test_ready_replicas_that_do_not_report_are_no_supply() -> None:
    (capacity,) = capacities(model(fleet(reading(0.5), current=3)))
    assert (capacity.reporting, capacity.coming) == (1, 0)
    # 70,000 / .85 = 82,353 of 80,000, though two of three replicas are only unseen: one more.
    assert targets(fleet(reading(0.7), current=3)) == {"a": 4}


def test_instances_of_a_replica_count_each() -> None:
    # 4 instances of 2 ready replicas, so that one that starts brings 2.
    (capacity,) = capacities(model(fleet(*[reading(0.5)] * 4, current=3, pending=1)))
    assert (capacity.reporting, capacity.coming) == (4, 2)
    # 3 instances of 2 ready ones: 1.5, rounded down.
    (capacity,) = capacities(model(fleet(*[reading(0.5)] * 3, current=3, pending=1)))
    assert (capacity.reporting, capacity.coming) == (3, 1)
    # 8 instances of one replica: 8 x 85,000 / .85 = 800,000 of 640,000, so that two instances are missing, and two
    # replicas of eight are ordered.
    assert targets(fleet(*[reading(0.85)] * 8, current=1)) == {"a": 3}


def test_a_variant_without_reports_takes_what_is_known_and_costs_nothing() -> None:
    cheap, dear = variant("a", 1.0), variant("b", 9.0)
    starting = fleet(of=dear, current=1, pending=1)
    busy = fleet(reading(0.9, tokens=(1000, 250)), reading(0.9, tokens=(1000, 250)), of=cheap)
    (_, unseen) = capacities(model(busy, starting))
    # Alike but for its name, so what the other one was seen to take bounds the 288,000 of its arguments.
    assert (unseen.room, unseen.source, unseen.reporting, unseen.coming) == (80_000, Source.STORE, 0, 1)
    # 180,000 / .85 = 211,765 of 240,000.
    assert targets(busy, starting) == {"a": 2, "b": 1}
    # 360,000 / .85 = 423,529 of 400,000.
    four = fleet(*[reading(0.9, tokens=(1000, 250))] * 4, of=cheap)
    assert targets(four, starting) == {"a": 4, "b": 2}
    # Once it reports it costs what it costs: 450,000 / .85 = 529,412 of 400,000 is two of the cheap one.
    assert targets(four, fleet(reading(0.9, tokens=(1000, 250)), of=dear)) == {"a": 6, "b": 1}


def test_ready_replicas_without_reports_are_supply_where_none_reports() -> None:
    ready = fleet(of=variant("b", accelerator="A100-80GB"), current=2)
    (_, unseen) = capacities(model(fleet(reading(0.5)), ready))
    # No answer has ended: the 8192 tokens of a step.
    assert (unseen.room, unseen.reporting, unseen.coming) == (8_192, 2, 0)


@pytest.mark.parametrize(
    ("held", "prompts", "whole"),
    [
        (HeldQueue(10, 80_000), 20_000, 22_000),  # 80,000 bytes are 20,000 tokens, 10 x 1000 fewer; answers 10 x 200
        (HeldQueue(10, 8_000), 10_000, 12_000),
        (HeldQueue(10, 0), 10_000, 12_000),
        (HeldQueue(0, 8_000), 2_000, 2_000),
        (HeldQueue(0, 0), 0, 0),
    ],
)
def test_what_the_gateway_holds(held: HeldQueue, prompts: float, whole: float) -> None:
    # Means of the instances that know any, each counting once: (500 + 1500) / 2 and (100 + 300) / 2.
    instances = [reading(tokens=(500, 100)), reading(tokens=(1500, 300)), reading()]
    seen = model(fleet(*instances), held=held)
    assert mean_lengths(seen) == (1000, 200)
    assert held_tokens(seen) == {Role.PREFILL: prompts, Role.DECODE: whole, Role.BOTH: whole}


def test_what_the_gateway_holds_counts_once() -> None:
    # 100 requests of 4000 bytes: 100,000 tokens beside 10,000 in use, / .85 = 129,412 of 80,000.
    assert targets(fleet(reading(0.1)), held=HeldQueue(100, 400_000)) == {"a": 2}
    assert targets(fleet(reading(0.1)), fleet(reading(0), of=variant("b")), held=HeldQueue(100, 400_000)) == {
        "a": 1,
        "b": 1,
    }


def test_roles_are_sized_apart() -> None:
    prefill = fleet(reading(0.5, tokens=(1000, 0)), of=variant("p", role=Role.PREFILL))
    decode = fleet(reading(0.5, tokens=(1000, 1000)), of=variant("d", role=Role.DECODE))
    encode = fleet(reading(0.2), of=variant("e", role=Role.ENCODE))
    seen = model(prefill, decode, encode, held=HeldQueue(10, 0))
    # Prompts of 1000, answers of (0 + 1000) / 2: 10,000 for prefill, 15,000 for decode and for what is neither.
    roles = role_capacities(capacities(seen), held_tokens(seen))
    assert {role: capacity.demand for role, capacity in roles.items()} == {
        Role.PREFILL: 60_000,
        Role.DECODE: 65_000,
        Role.BOTH: 35_000,
    }


def test_without_any_report_it_has_what_is_wanted() -> None:
    assert targets(fleet(current=3), fleet(current=1, of=variant("b"))) == {"a": 3, "b": 1}
    gauge = token_gauges(model(fleet(current=3)), Knowledge(Learned()), DEFAULTS)["a"]
    assert gauge.why == "no replica of the model reports"


def test_bounds_are_kept() -> None:
    full = reading(0.8, 20, tokens=(10_000, 1000))
    assert targets(fleet(full, of=variant(highest=3))) == {"a": 3}
    # Idle, it keeps the minimum of 1 of each of its HPAs, which the reference would not for one of 0.
    assert targets(fleet(*[reading()] * 3), fleet(*[reading()] * 3, of=variant("b"))) == {"a": 1, "b": 1}


def test_it_says_why() -> None:
    gauge = token_gauges(model(fleet(reading(0.7), reading(0.7))), Knowledge(Learned()), DEFAULTS)["a"]
    assert gauge.why == (
        "140,000 KV tokens asked for, 160,000 taken by replicas that report and 0 by those that start: "
        "4,706 required, at 80,000 a replica (P4-k1)"
    )

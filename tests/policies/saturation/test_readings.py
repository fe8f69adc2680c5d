"""What the queries answer, and what is made of answers that are missing."""

from dataclasses import replace
from math import inf, nan

import pytest

from tests.policies.saturation.builders import at, observed, pod, shown, variant
from wva.fleet.observation import Observation
from wva.fleet.replica import InstanceMetrics, Phase
from wva.policies.saturation.readings import HeldQueue, Reading, VariantReading, read_model


def read(observation: Observation, *, by_replica: bool = False) -> VariantReading:
    (only,) = read_model(observation, "m", by_replica=by_replica).variants
    return only


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (shown(0.5, 3), (0.5, 3)),
        (shown(None, 3), (0.0, 3)),  # missing KV is empty
        (shown(0.5, None), (0.5, 0)),
        (shown(nan, inf), (0.0, 0)),
        (shown(None, None), None),
        (shown(0.5, 3, age_s=59.9), (0.5, 3)),
        (shown(0.5, 3, age_s=60.0), None),  # no sample in the last minute
        (None, None),
    ],
)
def test_what_is_missing_is_zero(metrics: InstanceMetrics | None, expected: tuple[float, int] | None) -> None:
    readings = read(at(0, observed(variant(), [pod(metrics)]))).readings
    assert [(one.kv_usage, one.waiting) for one in readings] == ([] if expected is None else [expected])


def test_each_instance_reports_or_each_replica_its_largest_figures() -> None:
    ranks = pod(shown(0.2, 4), shown(0.6, 1), None)
    fleet = at(0, observed(variant(), [ranks]))
    assert [(one.kv_usage, one.waiting) for one in read(fleet).readings] == [(0.2, 4), (0.6, 1)]
    assert [(one.kv_usage, one.waiting) for one in read(fleet, by_replica=True).readings] == [(0.6, 4)]


def test_replicas_that_are_not_ready_are_pending_and_draining_ones_are_gone() -> None:
    pods = [
        pod(shown(0.5, 0)),
        pod(None, phase=Phase.STARTING),
        pod(None, phase=Phase.PENDING),
        pod(shown(0.9, 9), phase=Phase.DRAINING),
    ]
    seen = read(at(0, observed(variant(), pods, desired=3)))
    assert (seen.current, seen.pending, len(seen.readings)) == (3, 2, 1)


def test_without_a_pod_the_wanted_count_stands_for_the_current_one() -> None:
    seen = read(at(0, observed(variant(), [], desired=2)))
    assert (seen.current, seen.pending) == (2, 2)


def test_a_variant_at_zero_is_invisible() -> None:
    fleet = at(0, observed(variant("a"), [], desired=0), observed(variant("b"), [pod(shown(0, 0))]))
    assert [one.variant.name for one in read_model(fleet, "m", by_replica=True).variants] == ["b"]
    assert read_model(fleet, "other", by_replica=True).variants == ()


@pytest.mark.parametrize(
    ("held", "age_s", "expected"),
    [((3, 120), 1.0, HeldQueue(3, 120)), ((nan, 120), 1.0, HeldQueue(0, 120)), ((3, 120), 300.0, HeldQueue(0, 0))],
)
def test_the_gateways_queue(held: tuple[float, float], age_s: float, expected: HeldQueue) -> None:
    fleet = at(0, held=held)
    (known,) = fleet.models
    assert known.traffic is not None
    aged = replace(fleet, models=(replace(known, traffic=replace(known.traffic, age_s=age_s)),))
    assert read_model(aged, "m", by_replica=True).queue == expected
    assert read_model(at(0), "m", by_replica=True).queue == HeldQueue(0, 0)


@pytest.mark.parametrize(
    ("kv", "capacity", "tokens"),
    [(0.5, 1001, 501), (0.3, 1001, 300), (1.2, 1000, 1000), (0.5, 0, 0)],  # 500.5 and 300.3, rounded; then bounded
)
def test_tokens_in_use(kv: float, capacity: int, tokens: int) -> None:
    assert Reading(kv, 0, capacity, 0.0, 0.0).tokens_in_use == tokens

"""The SLO-aware control law: its formula and its signal worked by hand, and what its HPA makes of them."""

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from tests.policies.fleets import observation, replica, seen
from tests.policies.gateways import gateway, traffic
from wva.fleet.model import Objectives
from wva.fleet.observation import Observation, Traffic, VariantObservation
from wva.fleet.plan import Plan
from wva.fleet.replica import Phase
from wva.policies.slo_law.law import Thresholds, desired
from wva.policies.slo_law.memory import Sample
from wva.policies.slo_law.policy import GUIDE, SloLawPolicy
from wva.policies.slo_law.saturation import raw, record, smoothed


@pytest.mark.parametrize(
    ("saturation", "provisioned", "ready", "count"),
    [
        (0.40, 5, 5, 5),  # the band includes both ends
        (0.55, 5, 5, 5),
        (0.60, 5, 5, 6),  # 5 x (0.60 / 0.55 - 1) = 0.45, rounded up
        (1.10, 4, 4, 8),  # 4 x (1.10 / 0.55 - 1) = 4
        (2.00, 3, 3, 11),  # 3 x (2.00 / 0.55 - 1) = 7.9
        (2.00, 8, 4, 15),  # half is ready: 8 x (1.00 / 0.55 - 1) = 6.5
        (2.00, 8, 2, 8),  # a quarter is ready: 8 x (0.50 / 0.55 - 1) = -0.7, rounded up to 0
        (0.60, 8, 2, 3),  # the credit goes below what is there: 8 x (0.15 / 0.55 - 1) = -5.8, rounded up to -5
        (2.00, 2, 0, 8),  # nothing is ready: no credit, 2 x 2.64 = 5.3
        (0.20, 8, 8, 4),  # 8 x (1 - 0.20 / 0.40) = 4
        (0.30, 3, 3, 3),  # 3 x 0.25 = 0.75, rounded down
        (0.29, 8, 2, 6),  # no credit on the way down: 8 x (1 - 0.29 / 0.40) = 2.2
        (0.00, 8, 8, 0),
    ],
)
def test_the_formula(saturation: float, provisioned: int, ready: int, count: int) -> None:
    assert desired(saturation, provisioned, ready, Thresholds()) == count


@pytest.mark.parametrize(
    ("ttft", "tpot", "saturation"),
    [
        (1.0, 0.02, 0.5),  # 1.0 / 2.0 is worse than 0.02 / 0.1
        (0.2, 0.15, 1.5),
        (30.0, 0.05, 15.0),
        (None, 0.04, 0.4),
        (0.5, None, 0.25),
        (None, None, 0.0),
        (nan, 0.03, 0.3),
    ],
)
def test_saturation_is_the_worse_latency_in_parts_of_its_objective(
    ttft: float | None, tpot: float | None, saturation: float
) -> None:
    shown = traffic(ttft_p90_1m_s=ttft, tpot_p90_1m_s=tpot)
    assert raw(shown, Objectives(2.0, 0.1)) == pytest.approx(saturation)


def test_what_is_not_there_or_stale_is_a_saturation_of_0() -> None:
    assert raw(None, Objectives(2.0, 0.1)) == 0
    assert raw(traffic(age_s=301.0, ttft_p90_1m_s=9.0), Objectives(2.0, 0.1)) == 0
    assert raw(traffic(age_s=nan, ttft_p90_1m_s=9.0), Objectives(2.0, 0.1)) == 0


def test_the_signal_is_the_mean_of_three_evaluations() -> None:
    samples: tuple[Sample, ...] = ()
    found = []
    for step, saturation in enumerate([0.3, 0.6, 2.0, 2.0, 0.1]):
        samples = record(samples, 15.0 * step, saturation, 45.0)
        found.append(smoothed(samples))
    # (0.3 + 0.6) / 2, (0.3 + 0.6 + 2) / 3, then what is 45 s old is gone: (0.6 + 2 + 2) / 3, (2 + 2 + 0.1) / 3
    assert found == pytest.approx([0.3, 0.45, 2.9 / 3, 4.6 / 3, 4.1 / 3])
    assert len(samples) == 3


def test_calls_between_evaluations_record_nothing() -> None:
    once = record((), 100.0, 0.5, 45.0)
    assert record(once, 100.0, 9.0, 45.0) == once
    assert record(once, 114.0, 9.0, 45.0) == once
    assert smoothed(record(once, 114.5, 0.7, 45.0)) == pytest.approx(0.6)
    # A clock that was set back makes what was recorded a thing of the future.
    assert record(once, 50.0, 0.2, 45.0) == (Sample(50.0, 0.2),)


def variant(count: int, ready: int | None = None, name: str = "variant") -> VariantObservation:
    """A variant with so many replicas, all ready unless it says how many are."""
    serving = count if ready is None else ready
    replicas = [replica() for _ in range(serving)]
    replicas += [replica(phase=Phase.STARTING) for _ in range(count - serving)]
    return replace(seen(count, replicas, name=name), ready=serving)


def at(now: float, shown: Traffic | None, *variants: VariantObservation) -> Observation:
    return replace(observation(now, *variants), models=(gateway(shown),))


def latency(share: float) -> Traffic:
    """A TTFT at that part of its objective of 2 s."""
    return traffic(ttft_p90_1m_s=2.0 * share, tpot_p90_1m_s=0.001)


def targets(plan: Plan) -> list[int]:
    return [part.target for part in plan.variants]


def played(policy: SloLawPolicy, share: float, count: int, steps: int) -> list[int]:
    """The count after every sync at that latency; what is wanted is there and ready at the next."""
    memory = policy.initial_memory()
    counts = []
    for step in range(steps):
        plan, memory = policy(at(15.0 * step, latency(share), variant(count)), memory)
        (count,) = targets(plan)
        counts.append(count)
    return counts


def test_growth_waits_for_its_window_of_30_s() -> None:
    # 4 x (0.8 / 0.55 - 1) = 1.8, so 6 from 0 s on; the 4 that was there at first holds until it is 30 s old. At 45 s
    # 6 x (0.8 / 0.55 - 1) = 2.7 asks for 9, and the 6 of 30 s holds that.
    assert played(SloLawPolicy(), 0.8, 4, 4) == [4, 4, 6, 6]


@pytest.mark.parametrize(("count", "limit"), [(2, 6), (3, 7), (10, 20)])
def test_growth_is_limited_to_doubling_or_4_in_a_minute(count: int, limit: int) -> None:
    at_once = replace(GUIDE, scale_up=replace(GUIDE.scale_up, stabilization_window_s=0.0))
    # The latency is capped at 2: it asks for count x (2 / 0.55 - 1) more, which is 2.6 times as many.
    assert played(SloLawPolicy(behavior=at_once), 9.0, count, 1) == [limit]


def test_shrinking_waits_for_180_s_and_takes_one_in_two_minutes() -> None:
    # 5 x (1 - 0.1 / 0.4) = 3.75: 2 are asked for from the start, and fewer later.
    counts = played(SloLawPolicy(), 0.1, 5, 40)
    assert counts == 12 * [5] + 8 * [4] + 8 * [3] + 8 * [2] + 4 * [1]


def test_an_idle_pool_and_one_that_is_not_seen_drain_to_the_minimum() -> None:
    for shown in (traffic(), None):
        policy = SloLawPolicy()
        memory, count = policy.initial_memory(), 3
        for step in range(60):
            plan, memory = policy(at(15.0 * step, shown, variant(count)), memory)
            (count,) = targets(plan)
        assert count == 1


def test_the_hpa_tolerates_a_tenth() -> None:
    # 20 x (0.56 / 0.55 - 1) = 0.4 asks for 21, which is within a tenth of 20: an HPA stays.
    assert set(played(SloLawPolicy(), 0.56, 20, 10)) == {20}
    assert played(SloLawPolicy(tolerance=0.0), 0.56, 20, 3) == [20, 20, 21]


def test_variants_apply_the_law_each_to_its_own_replicas_with_the_latency_of_the_model() -> None:
    policy = SloLawPolicy(variant_thresholds={"late": Thresholds(theta_up=1.5, theta_dn=0.9)})
    memory = policy.initial_memory()
    variants = variant(2, name="big"), variant(4, ready=3, name="starting"), variant(4, name="late")
    for now in (0.0, 15.0, 30.0):
        plan, memory = policy(at(now, latency(1.2), *variants), memory)
    # 2 x (1.2 / 0.55 - 1) = 2.4; 4 x (0.9 / 0.55 - 1) = 2.5; 1.2 is within 0.9 to 1.5.
    assert targets(plan) == [5, 7, 4]


@pytest.mark.parametrize("unknown", [replace(variant(3), ready=None), replace(seen(3, []), ready=0)])
def test_without_replicas_or_their_readiness_nothing_changes(unknown: VariantObservation) -> None:
    policy = SloLawPolicy()
    memory = policy.initial_memory()
    for step in range(30):
        plan, memory = policy(at(15.0 * step, latency(9.0), unknown), memory)
        assert targets(plan) == [3]
        assert plan.variants[0].publish is None


def test_early_calls_change_nothing_but_the_moment() -> None:
    policy = SloLawPolicy()
    once, often = policy.initial_memory(), policy.initial_memory()
    for step in range(8):
        now, share = 15.0 * step, 0.3 * step
        expected, once = policy(at(now, latency(share), variant(4)), once)
        plan, often = policy(at(now, latency(share), variant(4)), often)
        assert targets(plan) == targets(expected)
        _, often = policy(at(now + 5.0, latency(9.0), variant(4)), often)
        assert often == once


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clamp": 0.5}, "clamp must be above every theta_up"),
        ({"smoothing_window_s": 0.0}, "smoothing_window_s must be above 0"),
        ({"tolerance": -0.1}, "tolerance must not be negative"),
        ({"sync_period_s": 0.0}, "sync_period_s must be above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SloLawPolicy(**options)


def test_a_band_is_refused_upside_down() -> None:
    with pytest.raises(ValueError, match="theta_dn must be above 0 and at most theta_up"):
        Thresholds(theta_up=0.4, theta_dn=0.5)

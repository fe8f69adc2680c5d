"""ScaledObjects as the guide has them, over time."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.policies.fleets import metrics, observation, replica, seen, traffic
from wva.fleet.errors import UserError
from wva.fleet.observation import Traffic
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Phase
from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Unit
from wva.policies.keda.policy import KedaMemory, KedaPolicy
from wva.policies.keda.settings import MetricType, RouterMetric, Trigger
from wva.policies.registry import make

AT_ONCE = Behavior(ScaleUpRules(policies=(RatePolicy(Unit.PERCENT, 100, 15.0),)))
BENCHMARK = Behavior(
    ScaleUpRules(policies=(RatePolicy(Unit.PODS, 1, 180.0),)),
    ScaleDownRules(policies=(RatePolicy(Unit.PODS, 1, 300.0),)),
)
"""What llm-d's published benchmark had."""


@dataclass
class Cluster:
    """Variants of one model that have what was asked for at once, some of it still starting."""

    policy: KedaPolicy
    desired: dict[str, int] = field(default_factory=lambda: {"a": 1})
    starting: int = 0
    lowest: int = 1
    memory: KedaMemory = field(init=False)
    parts: dict[str, VariantPlan] = field(init=False)

    def __post_init__(self) -> None:
        self.memory = self.policy.initial_memory()

    def show(self, now: float, flows: Traffic | None, kv_usage: float = 0.0) -> dict[str, int]:
        """The targets for these figures of the router, which are carried out."""
        variants = []
        for name, count in self.desired.items():
            coming = min(self.starting, count)
            ready = [replica(metrics(0, kv_usage))] * (count - coming)
            variants.append(seen(count, ready + [replica(phase=Phase.STARTING)] * coming, self.lowest, name=name))
        plan, self.memory = self.policy(observation(now, *variants, flows=flows), self.memory)
        self.parts = {part.variant: part for part in plan.variants}
        self.desired = {name: part.target for name, part in self.parts.items()}
        return self.desired

    def at(self, now: float, running: float = 0.0, held: float = 0.0) -> int:
        """The target of the only variant."""
        return self.show(now, traffic(running, held))["a"]


def test_growth_waits_for_the_guides_window() -> None:
    cluster = Cluster(KedaPolicy())
    # 100 over 16 is 6.25: 7. The one that was there at the start holds for 300 s, then every 15 s may double it.
    assert [cluster.at(now, running=100) for now in range(0, 300, 15)] == [1] * 20
    assert [cluster.at(now, running=100) for now in (300, 315, 330, 345)] == [2, 4, 7, 7]


def test_the_larger_demand_wins() -> None:
    assert Cluster(KedaPolicy(behavior=AT_ONCE), {"a": 4}).at(0, running=100, held=2) == 7
    # 9 held over 1 each is 9, but doubling ends at 8.
    assert Cluster(KedaPolicy(behavior=AT_ONCE), {"a": 4}).at(0, running=100, held=9) == 8


def test_within_the_tolerance_nothing_changes() -> None:
    # 70 over 4 pods is 17.5, 1.09 of 16; 71 is 1.109, and ceil(71 / 16) is 5.
    assert Cluster(KedaPolicy(behavior=AT_ONCE), {"a": 4}).at(0, running=70) == 4
    assert Cluster(KedaPolicy(behavior=AT_ONCE), {"a": 4}).at(0, running=71) == 5


def test_the_benchmarks_rate() -> None:
    cluster = Cluster(KedaPolicy(behavior=BENCHMARK))
    targets = [cluster.at(now, running=160) for now in range(0, 600, 60)]
    assert targets == [2, 2, 2, 3, 3, 3, 4, 4, 4, 5]


def test_variants_take_equal_parts() -> None:
    cluster = Cluster(KedaPolicy(behavior=AT_ONCE), {"a": 4, "b": 4})
    # 100 are 50 each: 50 / 16 = 3.125, so 4 each. 192 are 96 each: 6.
    assert cluster.show(0, traffic(100, 0)) == {"a": 4, "b": 4}
    assert cluster.show(15, traffic(192, 0)) == {"a": 6, "b": 6}


def test_an_owner_says_who_takes_what() -> None:
    cluster = Cluster(KedaPolicy(behavior=AT_ONCE, shares={"a": 0.75, "b": 0.25}), {"a": 4, "b": 4})
    # 96 are 72 and 24. 72 / 16 = 4.5: 5, and 24 / 16 is 2, which the scale-down window holds up.
    assert cluster.show(0, traffic(96, 0)) == {"a": 5, "b": 4}
    assert "proposes 2" in str(cluster.parts["b"].reasons[0])


def test_a_variant_may_have_triggers_of_its_own() -> None:
    own = {"b": (Trigger(RouterMetric.REQUEST_RUNNING, 8.0),)}
    cluster = Cluster(KedaPolicy(behavior=AT_ONCE, variant_triggers=own), {"a": 4, "b": 4})
    # 96 are 48 each: 3 of 16, held at 4, and 6 of 8.
    assert cluster.show(0, traffic(96, 0)) == {"a": 4, "b": 6}


def test_saturation_over_the_pool_is_a_count_of_its_own() -> None:
    # The guide's AverageValue of a level: 1 (no endpoint, so full) over 0.7 is 2, however many there are.
    trigger = (Trigger(RouterMetric.POOL_SATURATION, 0.7),)
    cluster = Cluster(KedaPolicy(triggers=trigger, behavior=AT_ONCE), {"a": 1}, starting=1)
    assert cluster.at(0) == 2
    assert cluster.at(15) == 2
    # Its half for each of two variants is 0.5 / 0.7: 1.
    both = Cluster(KedaPolicy(triggers=trigger, behavior=AT_ONCE), {"a": 1, "b": 1}, starting=1)
    assert both.show(0, traffic(0, 0)) == {"a": 1, "b": 1}


def test_a_value_multiplies_the_ready_and_has_no_share() -> None:
    # KV usage 0.84 of 0.8 is a saturation of 1.05: 1.5 times 0.7. Of 4 with 3 ready that is ceil(4.5).
    trigger = (Trigger(RouterMetric.POOL_SATURATION, 0.7, metric_type=MetricType.VALUE),)
    cluster = Cluster(KedaPolicy(triggers=trigger, behavior=AT_ONCE), {"a": 4, "b": 4}, starting=1)
    assert cluster.show(0, traffic(0, 0), kv_usage=0.84) == {"a": 5, "b": 5}


def test_the_token_aware_guides_kv_trigger() -> None:
    # 4 replicas at 0.9 are 3.6 full caches: over 0.8 that is 4.5, so 5. The other variant's are not counted.
    trigger = (Trigger(RouterMetric.KV_CACHE_USAGE, 0.8),)
    cluster = Cluster(KedaPolicy(triggers=trigger, behavior=AT_ONCE), {"a": 4, "b": 2})
    assert cluster.show(0, None, kv_usage=0.9) == {"a": 5, "b": 3}


@pytest.mark.parametrize(
    ("running", "starting", "replicas"),
    [
        (160, 3, 7),  # a demand of 10, less 3 that come
        (80, 3, 4),  # 5 less 3 are 2, but not below the 4 there are
        (48, 3, 3),  # 3 is no more than there are, so nothing is taken off
        (160, 0, 10),
    ],
)
def test_the_guard_takes_off_what_is_coming(running: float, starting: int, replicas: int) -> None:
    behavior = Behavior(ScaleUpRules(policies=(RatePolicy(Unit.PODS, 100, 15.0),)), ScaleDownRules(0.0))
    cluster = Cluster(KedaPolicy(overshoot_guard=True, behavior=behavior), {"a": 4}, starting)
    assert cluster.at(0, running) == replicas


def test_a_router_that_is_gone_reads_as_zero_unless_told_otherwise() -> None:
    at_once = Behavior(scale_down=ScaleDownRules(0.0))
    assert Cluster(KedaPolicy(behavior=at_once), {"a": 4}).show(0, None) == {"a": 1}
    careful = Cluster(KedaPolicy(behavior=at_once, ignore_null_values=False), {"a": 4})
    assert careful.show(0, None) == {"a": 4}
    assert careful.parts["a"].publish is None
    # One metric of two allows growth only.
    assert careful.show(15, traffic(32, None)) == {"a": 4}
    assert careful.show(30, traffic(100, None)) == {"a": 7}
    guarded = Cluster(KedaPolicy(behavior=at_once, ignore_null_values=False, overshoot_guard=True), {"a": 4})
    assert guarded.show(0, traffic(100, None)) == {"a": 4}


def test_to_zero_and_back() -> None:
    cluster = Cluster(KedaPolicy(), lowest=0)
    assert cluster.at(0, running=4) == 1
    assert [cluster.at(now) for now in range(15, 300, 15)] == [1] * 19
    assert cluster.at(300) == 0
    assert cluster.parts["a"].reasons[0].code == "deactivated"
    # The HPA is off at zero, whatever its metrics say; KEDA brings one, and the HPA goes on from there.
    assert cluster.at(315, held=20) == 1
    assert cluster.at(330, held=20) == 1
    assert cluster.at(315 + 300, held=20) == 2


def test_between_polls_zero_is_left_alone() -> None:
    cluster = Cluster(KedaPolicy(), {"a": 2}, lowest=2)
    cluster.at(0, running=4)
    cluster.desired = {"a": 0}
    assert cluster.at(5, running=4) == 0
    assert cluster.parts["a"].publish is None
    assert cluster.at(15, running=4) == 2


def test_memory_is_bounded() -> None:
    cluster = Cluster(KedaPolicy(), {"a": 3})
    for tick in range(500):
        cluster.at(15.0 * tick, running=20 if tick % 2 else 60)
    assert len(cluster.memory.hpas.variants["a"].recommendations) <= 22
    _, left = cluster.policy(observation(8000), cluster.memory)
    assert not left.scaled_objects
    assert not left.hpas.variants


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"triggers": []}, "option values: triggers must have at least one entry"),
        ({"triggers": [{"metric": "llm_d_epp_request_running", "threshold": 0}]}, "option triggers.0: threshold must"),
        ({"shares": {"a": -1}}, "option values: the share of a must be a number of at least 0, got -1"),
        ({"cooldown_period_s": -1}, "option values: cooldown_period_s must not be negative"),
        ({"polling_interval_s": 0}, "option values: polling_interval_s must be above 0"),
        ({"tolerance": -1}, "option values: tolerance must not be negative"),
        (
            {
                "overshoot_guard": True,
                "triggers": [{"metric": "llm_d_epp_request_running", "threshold": 1, "metric_type": "Value"}],
            },
            "option values: overshoot_guard takes no trigger of metric_type Value",
        ),
    ],
)
def test_a_mistake_is_one_line(options: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError, match=text):
        make("keda", options)

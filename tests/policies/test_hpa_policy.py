"""The HPA over time: one variant whose pods all show the same figures, unless said otherwise."""

from dataclasses import dataclass, field, replace

import pytest

from tests.policies.fleets import metrics, observation, replica, seen
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Phase, Replica
from wva.policies.hpa.memory import HpaMemory
from wva.policies.hpa.policy import HpaPolicy
from wva.policies.hpa.settings import (
    Behavior,
    Metric,
    PodsMetric,
    RatePolicy,
    ScaleDownRules,
    ScaleUpRules,
    Select,
    Unit,
)


@dataclass
class Cluster:
    """A variant that has what its HPA asked for, at once and with the same figures in every pod."""

    policy: HpaPolicy = field(default_factory=HpaPolicy)
    desired: int = 1
    lowest: int = 1
    highest: int = 100
    memory: HpaMemory = field(init=False)

    def __post_init__(self) -> None:
        self.memory = self.policy.initial_memory()

    def show(self, now: float, replicas: list[Replica]) -> VariantPlan:
        """Decide on these replicas, and carry it out."""
        variant = seen(self.desired, replicas, self.lowest, self.highest)
        plan, self.memory = self.policy(observation(now, variant), self.memory)
        (part,) = plan.variants
        self.desired = part.target
        return part

    def at(self, now: float, waiting: float | None = None, kv_usage: float | None = None) -> int:
        """The target that these figures in every pod lead to."""
        return self.show(now, [replica(metrics(waiting, kv_usage)) for _ in range(self.desired)]).target


def codes(part: VariantPlan) -> list[str]:
    return [reason.code for reason in part.reasons]


def told(part: VariantPlan) -> str:
    return "; ".join(str(reason) for reason in part.reasons)


def test_the_larger_proposal_wins() -> None:
    # Waiting 2.9 of 3 is within the tolerance: 5. KV usage .7 of .5 is 1.4 x 5 = 7.
    assert Cluster(desired=5).at(0, waiting=2.9, kv_usage=0.7) == 7
    # Waiting 6 of 3 is 2 x 5 = 10, and 10 is as far as one step goes.
    assert Cluster(desired=5).at(0, waiting=6, kv_usage=0.7) == 10


def test_a_queue_doubles_it_every_sync() -> None:
    # 1 may be 5 (four more), then each sync may double; the demand is 30 of 3 in every pod, so it wants ten times.
    cluster = Cluster(highest=60)
    assert [cluster.at(now, waiting=30, kv_usage=0.1) for now in (0, 15, 30, 45, 60, 75)] == [5, 10, 20, 40, 60, 60]


def test_pods_that_start_count_as_idle() -> None:
    cluster = Cluster()
    assert cluster.at(0, waiting=30, kv_usage=0.1) == 5
    starting = replica(phase=Phase.STARTING)
    # 30 over 5 pods is 6, twice the target, and 2 x 5 = 10.
    part = cluster.show(15, [replica(metrics(30, 0.1)), *[starting] * 4])
    assert part.target == 10
    # 30 over 10 pods is the target.
    assert cluster.show(30, [replica(metrics(30, 0.1)), *[starting] * 9]).target == 10


def test_starting_pods_hold_a_shrink_back_only_while_they_run() -> None:
    # 2 ready pods at half the target. Running without metrics, the 4 others are at the target: (2 x 1.5 + 4 x 3) / 6
    # is 2.5, 0.833 x 6 = 5. In phase Pending they are ignored: 0.5 x 2 = 1.
    replicas = [replica(metrics(1.5, 0.25))] * 2 + [replica(phase=Phase.STARTING)] * 4
    at_once = Behavior(scale_down=ScaleDownRules(0.0))
    assert Cluster(HpaPolicy(behavior=at_once), desired=6).show(0, replicas).target == 5
    pending = HpaPolicy(behavior=at_once, starting_is_pending=True)
    assert Cluster(pending, desired=6).show(0, replicas).target == 1


def test_it_shrinks_once_its_first_sight_has_left_the_window() -> None:
    cluster = Cluster(desired=10)
    for now in range(0, 300, 15):
        assert cluster.at(now, waiting=0, kv_usage=0) == 10
    assert cluster.at(300, waiting=0, kv_usage=0) == 1


def test_a_peak_holds_for_a_window() -> None:
    cluster = Cluster(desired=10)
    for now in range(0, 600, 15):
        load = 3.9 if now == 150 else 0.3  # 1.3 x 10 = 13, and 0.1 x 13 is 2
        target = cluster.at(now, waiting=load, kv_usage=0)
        assert target == (10 if now < 150 else 13 if now < 450 else 2)


def test_ten_percent_a_minute() -> None:
    slow = Behavior(scale_down=ScaleDownRules(0.0, (RatePolicy(Unit.PERCENT, 10, 60.0),)))
    cluster = Cluster(HpaPolicy(behavior=slow), desired=30)
    # 30 to 27; a minute later 24.3, cut off; then 21.6.
    targets = [cluster.at(now, waiting=0, kv_usage=0) for now in range(0, 135, 15)]
    assert targets == [27, 27, 27, 27, 24, 24, 24, 24, 21]


def test_a_direction_can_be_disabled() -> None:
    never = Behavior(scale_down=ScaleDownRules(0.0, select=Select.DISABLED))
    cluster = Cluster(HpaPolicy(behavior=never), desired=10)
    assert [cluster.at(now, waiting=0, kv_usage=0) for now in (0, 15, 1000)] == [10, 10, 10]
    assert cluster.at(2000, waiting=6, kv_usage=0) == 20


def test_without_behavior_it_may_double_or_reach_four() -> None:
    cluster = Cluster(HpaPolicy(behavior=None))
    assert [cluster.at(now, waiting=30, kv_usage=0) for now in (0, 15, 30)] == [4, 8, 16]
    # The recommendation at 30 s was 10 x 8 pods, and pulls the count up for as long as it is in the window.
    assert [cluster.at(now, waiting=0, kv_usage=0) for now in (45, 60, 315, 330)] == [32, 64, 80, 1]
    assert cluster.memory.variants["variant"].added == ()


def test_one_missing_metric_allows_growth_only() -> None:
    assert Cluster(desired=5).at(0, waiting=6) == 10
    held = Cluster(HpaPolicy(behavior=Behavior(scale_down=ScaleDownRules(0.0))), desired=5)
    part = held.show(0, [replica(metrics(waiting=0))] * 5)
    assert (part.target, part.publish) == (5, None)
    assert codes(part) == ["metric", "missing", "held"]
    assert len(held.memory.variants["variant"].recommendations) == 1  # the first sight, and nothing more
    assert held.at(15, waiting=0, kv_usage=0) == 1


def test_without_any_metric_nothing_changes() -> None:
    cluster = Cluster(desired=5)
    for now in range(0, 1005, 15):
        part = cluster.show(now, [replica(None)] * 5)
        assert (part.target, part.publish) == (5, None)
    # Every recommendation has left the window by now, and the controller does not start a new one.
    assert cluster.at(1005, waiting=0, kv_usage=0) == 1


def test_zero_switches_it_off() -> None:
    part = Cluster(desired=0, lowest=2).show(0, [])
    assert (part.target, part.publish, codes(part)) == (0, None, ["off"])
    # The API has no minimum of 0 for metrics of pods: from 1 it does not go, and from 0 it does not come.
    idle = Cluster(HpaPolicy(behavior=Behavior(scale_down=ScaleDownRules(0.0))), desired=3, lowest=0)
    assert idle.at(0, waiting=0, kv_usage=0) == 1
    assert Cluster(desired=0, lowest=0).at(0) == 0


def test_bounds_come_first_and_at_once() -> None:
    assert Cluster(desired=10, highest=5).at(0, waiting=30, kv_usage=0.9) == 5
    assert Cluster(desired=1, lowest=3).at(0, waiting=0, kv_usage=0) == 3
    assert Cluster(desired=1, lowest=3).at(0) == 3
    above = Cluster(desired=4, highest=6)
    part = above.show(0, [replica(metrics(waiting=30, kv_usage=0.1))] * 4)
    assert (part.target, codes(part)[-1]) == (6, "clamped")


def test_a_change_is_remembered_by_direction() -> None:
    cluster = Cluster(HpaPolicy(behavior=Behavior(scale_down=ScaleDownRules(0.0))), desired=4)
    cluster.at(0, waiting=6, kv_usage=0)
    cluster.at(15, waiting=1.5, kv_usage=0)
    known = cluster.memory.variants["variant"]
    assert [(stamp.at, stamp.replicas) for stamp in known.added] == [(0, 4)]
    assert [(stamp.at, stamp.replicas) for stamp in known.removed] == [(15, 4)]


def test_growth_looks_back_on_what_was_removed() -> None:
    # Removed events are kept for the longest period of the scale-down rules, here 600 s, so that the pods policy of
    # the scale-up rules sees at 60 s that its period began with 8, and not 4.
    rules = Behavior(
        ScaleUpRules(policies=(RatePolicy(Unit.PODS, 1, 600.0),)),
        ScaleDownRules(0.0, (RatePolicy(Unit.PERCENT, 50, 600.0),)),
    )
    cluster = Cluster(HpaPolicy(behavior=rules), desired=8)
    assert cluster.at(0, waiting=0, kv_usage=0) == 4
    assert cluster.at(60, waiting=30, kv_usage=0) == 9


def test_what_was_added_is_remembered_for_the_longest_period() -> None:
    rates = (RatePolicy(Unit.PODS, 1, 15.0), RatePolicy(Unit.PODS, 3, 600.0))
    cluster = Cluster(HpaPolicy(behavior=Behavior(ScaleUpRules(policies=rates, select=Select.MIN))))
    assert [cluster.at(now, waiting=30, kv_usage=0) for now in (0, 15, 30, 45, 585, 600)] == [2, 3, 4, 4, 4, 5]


def test_it_computes_once_a_sync_period() -> None:
    cluster = Cluster()
    assert cluster.at(0, waiting=30, kv_usage=0) == 5
    for now in (1, 5, 14):
        part = cluster.show(now, [replica(metrics(waiting=30, kv_usage=0))] * 5)
        assert (part.target, part.publish, codes(part)) == (5, 5, ["between_syncs"])
    # A timer's jitter is no reason to wait for another period, although a period of a rate is not over yet.
    part = cluster.show(14.9, [replica(metrics(waiting=30, kv_usage=0))] * 5)
    assert (part.target, codes(part)) == (5, ["metric", "metric", "limited"])
    assert cluster.at(29.9, waiting=30, kv_usage=0) == 10


def test_between_syncs_it_repeats_itself_until_the_body_has_it() -> None:
    cluster = Cluster(desired=2)
    assert cluster.at(0, waiting=30, kv_usage=0) == 6
    cluster.desired = 2  # not carried out yet
    assert cluster.at(5, waiting=0, kv_usage=0) == 6
    cluster.desired = 3  # someone else's
    assert cluster.at(6, waiting=0, kv_usage=0) == 3
    cluster.desired = 0
    part = cluster.show(7, [])
    assert (part.target, part.publish) == (0, None)
    cluster.desired, cluster.highest = 9, 4
    assert cluster.at(8) == 4


def test_a_clock_that_was_set_back_does_not_stop_it() -> None:
    cluster = Cluster(desired=5)
    assert cluster.at(1000, waiting=3, kv_usage=0) == 5
    assert cluster.at(10, waiting=6, kv_usage=0) == 10
    # What was recommended until then is as if recommended at 10.
    assert [cluster.at(now, waiting=0, kv_usage=0) for now in (25, 295, 310)] == [10, 10, 1]


@pytest.mark.parametrize("start", [0.0, 0.1, 0.3, 1.7e9, 1.7e9 + 0.1])
def test_periods_in_binary_floats_are_whole_periods(start: float) -> None:
    cluster = Cluster()
    assert [cluster.at(start + 15 * tick, waiting=30, kv_usage=0) for tick in range(5)] == [5, 10, 20, 40, 80]
    targets = [cluster.at(start + 15 * tick, waiting=0, kv_usage=0) for tick in range(5, 26)]
    assert targets == [80] * 19 + [1, 1]


def test_its_memory_is_bounded() -> None:
    cluster = Cluster(HpaPolicy(behavior=Behavior(scale_down=ScaleDownRules(0.0))), desired=10, lowest=5, highest=20)
    for tick in range(500):
        cluster.at(15.0 * tick, waiting=6 if tick % 2 else 0, kv_usage=0)
    known = cluster.memory.variants["variant"]
    assert max(len(known.recommendations), len(known.added), len(known.removed)) <= 2
    cluster = Cluster(desired=10)
    for tick in range(500):
        cluster.at(15.0 * tick, waiting=3, kv_usage=0)
    assert len(cluster.memory.variants["variant"].recommendations) <= 22


def test_what_is_out_of_scope_is_kept_and_what_is_gone_forgotten() -> None:
    policy = HpaPolicy()
    a = seen(5, [replica(metrics(3, 0.5))] * 5, name="a", model="m")
    b = seen(5, [replica(metrics(3, 0.5))] * 5, name="b", model="n")
    _, both = policy(observation(0, a, b, scope=("m", "n")), policy.initial_memory())
    assert set(both.variants) == {"a", "b"}
    plan, kept = policy(observation(15, a, b, scope=("m",)), both)
    assert [part.variant for part in plan.variants] == ["a"]
    assert kept.variants["b"] == both.variants["b"]
    _, left = policy(observation(30, a, scope=("m", "n")), kept)
    assert set(left.variants) == {"a"}


def test_it_says_why() -> None:
    cluster = Cluster(desired=2)
    part = cluster.show(0, [replica(metrics(waiting=30, kv_usage=0.1)), replica(None)])
    assert told(part) == (
        "vllm:num_requests_waiting averages 30 over 1 pods, 10.00 times its target of 3: proposes 10, "
        "with 1 pods missing and 0 unready; "
        "vllm:kv_cache_usage_perc averages 0.1 over 1 pods, 0.20 times its target of 0.5: proposes 2, "
        "with 1 pods missing and 0 unready; "
        "the rate of change allows 6, not 10"
    )
    idle = Cluster(desired=10)
    assert told(idle.show(0, [replica(metrics(0, 0))] * 10)).endswith("recent recommendations hold 0 at 10")


@pytest.mark.parametrize(
    ("average_value", "milli"), [(3, 3000), (0.5, 500), (0.05, 50), (2.007, 2007), (0.0001, 1), (1.2345, 1235)]
)
def test_targets_are_thousandths_rounded_up(average_value: float, milli: int) -> None:
    assert PodsMetric(Metric.KV_USAGE, average_value).target_milli == milli


def test_tolerances_of_the_rules_override_the_hpa() -> None:
    tight = Behavior(ScaleUpRules(tolerance=0.0), ScaleDownRules(0.0, tolerance=0.5))
    cluster = Cluster(HpaPolicy(behavior=tight), desired=10)
    assert cluster.at(0, waiting=3.1, kv_usage=0) == 11  # 1.0333 x 10 = 10.3
    assert cluster.at(15, waiting=1.6, kv_usage=0.3) == 11  # 0.533 and 0.6 are within 0.5
    assert Cluster(HpaPolicy(behavior=None, tolerance=0.0), desired=10).at(0, waiting=3.1, kv_usage=0) == 11


def test_only_what_is_due_changes_memory() -> None:
    policy = HpaPolicy()
    variant = seen(5, [replica(metrics(6, 0.5))] * 5)
    _, first = policy(observation(0, variant), policy.initial_memory())
    _, second = policy(observation(5, replace(variant, desired=10)), first)
    assert second == first

"""The APA over time: one variant with the same figures in every ready replica."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.policies.fleets import metrics, observation, replica, seen
from wva.fleet.errors import UserError
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Phase
from wva.policies.apa.memory import ApaMemory
from wva.policies.apa.policy import ApaPolicy
from wva.policies.apa.settings import MetricSource
from wva.policies.hpa.settings import Metric
from wva.policies.registry import make


@dataclass
class Target:
    """A variant that has what was asked for at once, except for what is still starting."""

    policy: ApaPolicy = field(default_factory=ApaPolicy)
    desired: int = 1
    lowest: int = 1
    highest: int = 100
    ready: int | None = None
    """Replicas that are ready, however many are wanted; ``None`` is all of them."""
    memory: ApaMemory = field(init=False)
    part: VariantPlan = field(init=False)

    def __post_init__(self) -> None:
        self.memory = self.policy.initial_memory()

    def at(self, now: float, kv_usage: float | None = None, waiting: float | None = None, age_s: float = 0.0) -> int:
        """The target for these figures."""
        ready = self.desired if self.ready is None else min(self.ready, self.desired)
        replicas = [replica(metrics(waiting, kv_usage, age_s=age_s))] * ready
        replicas += [replica(phase=Phase.STARTING)] * (self.desired - ready)
        variant = seen(self.desired, replicas, self.lowest, self.highest)
        plan, self.memory = self.policy(observation(now, variant), self.memory)
        (self.part,) = plan.variants
        self.desired = self.part.target
        return self.desired

    def codes(self) -> list[str]:
        return [reason.code for reason in self.part.reasons]


def test_it_aims_at_half_of_the_kv_cache() -> None:
    assert Target(desired=4).at(0, 0.55) == 4
    assert Target(desired=4).at(0, 0.6) == 5  # 4.8
    assert Target(desired=4).at(0, 0.1) == 2  # 0.8, but half at once


def test_the_mean_of_the_observe_window_counts() -> None:
    target = Target(desired=4)
    # 0.5, then (0.5 + 0.9) / 2 = 0.7 times 4 / 0.5 = 5.6.
    assert [target.at(now, usage) for now, usage in ((0, 0.5), (15, 0.9))] == [4, 6]
    target = Target(ApaPolicy(observe_window_s=15.0), desired=4)
    assert [target.at(now, usage) for now, usage in ((0, 0.5), (15, 0.9))] == [4, 8]


def test_the_metric_that_asks_for_most_wins() -> None:
    sources = (MetricSource(Metric.KV_USAGE, 0.5), MetricSource(Metric.WAITING, 100.0))
    target = Target(ApaPolicy(metrics_sources=sources), desired=4)
    assert target.at(0, 0.6, waiting=150) == 6
    assert str(target.part.reasons[0]).startswith("vllm:num_requests_waiting averages 150, 1.50 times its target")
    # One that cannot be read is left out: 0.3 is 0.6 x 4 = 2.4.
    assert Target(ApaPolicy(metrics_sources=sources), desired=4).at(0, 0.3) == 3


def test_a_variant_may_have_targets_of_its_own() -> None:
    own = {"variant": (MetricSource(Metric.KV_USAGE, 0.25),)}
    assert Target(ApaPolicy(variant_metrics_sources=own), desired=4).at(0, 0.3) == 5  # 4.8


def test_starting_replicas_hold_growth_back() -> None:
    target = Target(desired=1, ready=1)
    # Doubles at once; then 1 ready at 0.95 of 0.5 is worth 1.9, and the one that comes is enough.
    assert [target.at(now, 0.95) for now in (0, 15, 30)] == [2, 2, 2]
    assert target.codes() == ["metric", "pending"]
    before = Target(ApaPolicy(pending_replica_guard=False), desired=1, ready=1)
    assert [before.at(now, 0.95) for now in (0, 15, 30)] == [2, 4, 8]


def test_shrinking_follows_the_lowest_recommendation_of_the_cooldown() -> None:
    policy = ApaPolicy(observe_window_s=15.0)
    target = Target(policy, desired=2)
    assert target.at(0, 0.5) == 2
    # 0.9 / 0.5 x 2 = 3.6, x 4 = 7.2.
    assert [target.at(now, 0.9) for now in (15, 30)] == [4, 8]
    # 0.4 x 8 / 0.5 = 6.4 is 7, but 2 was recommended at 0.
    assert target.at(45, 0.4) == 2
    assert target.codes() == ["metric", "stabilized"]


def test_a_cooldown_that_holds_keeps_the_highest() -> None:
    target = Target(ApaPolicy(observe_window_s=15.0, cooldown_holds=True), desired=8)
    assert target.at(0, 0.5) == 8
    assert [target.at(now, 0.1) for now in range(15, 315, 15)] == [8] * 19 + [4]


def test_it_computes_every_ten_seconds() -> None:
    target = Target(desired=2)
    assert target.at(0, 0.9) == 4
    assert target.at(5, 0.9) == 4
    assert target.codes() == ["between_syncs"]
    target.desired = 2  # not carried out yet
    assert target.at(6, 0.9) == 4
    assert target.at(10, 0.9) == 8


def test_the_same_scrape_counts_once() -> None:
    target = Target(desired=4)
    target.at(0, 0.5)
    # The scrape of 1 is seen at 10 and at 20: (0.5 + 0.6) / 2 = 0.55 both times.
    assert [target.at(now, 0.6, age_s=now - 1) for now in (10, 20)] == [4, 4]
    assert len(target.memory.variants["variant"].samples[Metric.KV_USAGE]) == 2


def test_without_metrics_nothing_changes() -> None:
    target = Target(desired=4)
    assert target.at(0) == 4
    assert (target.part.publish, target.codes()) == (None, ["missing", "held"])
    assert target.at(15, 0.1, age_s=61) == 4
    # Bounds hold all the same.
    assert Target(desired=4, highest=3).at(0) == 3
    assert Target(desired=1, lowest=2).at(0) == 2


def test_zero() -> None:
    off = Target(desired=0, lowest=1)
    assert off.at(0) == 0
    assert (off.part.publish, off.codes()) == (None, ["off"])
    # With a minimum of 0 it goes there, and has no metric to come back by.
    idle = Target(desired=1, lowest=0)
    assert [idle.at(now, 0.0) for now in (0, 15)] == [0, 0]
    assert idle.codes() == ["missing", "held"]


def test_bounds() -> None:
    assert Target(desired=4, highest=6).at(0, 0.9) == 6
    assert Target(desired=4, lowest=3).at(0, 0.1) == 3


def test_a_clock_that_was_set_back_does_not_stop_it() -> None:
    target = Target(desired=4)
    assert target.at(1000, 0.5) == 4
    assert target.at(10, 0.9) == 8


def test_memory_is_bounded_and_forgets_what_is_gone() -> None:
    target = Target(desired=10)
    for tick in range(500):
        target.at(tick * 10.0, 0.9 if tick % 40 < 3 else 0.5)
    known = target.memory.variants["variant"]
    assert len(known.samples[Metric.KV_USAGE]) <= 18
    assert len(known.recommendations) <= 30
    _, left = target.policy(observation(8000), target.memory)
    assert not left.variants


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"metrics_sources": []}, "metrics_sources must have at least one entry"),
        (
            {"metrics_sources": [{"target_metric": "vllm:kv_cache_usage_perc", "target_value": 0}]},
            "target_value must be a number above 0",
        ),
        ({"up_fluctuation_tolerance": -1}, "up_fluctuation_tolerance must not be negative"),
        ({"max_scale_down_rate": 0.5}, "max_scale_down_rate must be a number of at least 1"),
        ({"scale_down_cooldown_window_s": 4000}, "scale_down_cooldown_window_s must be between 0 and 3600"),
        ({"observe_window_s": 0}, "observe_window_s must be above 0"),
        ({"resync_interval_s": 0}, "resync_interval_s must be above 0"),
    ],
)
def test_a_mistake_is_one_line(options: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError, match=text):
        make("apa", options)

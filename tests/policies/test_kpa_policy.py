"""The KPA over time: one variant with the same concurrency in every ready replica."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.policies.fleets import metrics, observation, replica, seen, traffic
from wva.fleet.errors import UserError
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Phase
from wva.policies.hpa.memory import Stamp
from wva.policies.kpa.memory import KpaMemory, delayed
from wva.policies.kpa.policy import KpaPolicy
from wva.policies.registry import make

TEN = 100 / 7
"""At a utilization of 70 % this aims at 10 for each replica."""


@dataclass
class Revision:
    """A variant that has what was asked for at once, except for what is still starting."""

    policy: KpaPolicy
    desired: int = 1
    lowest: int = 1
    highest: int = 100
    ready: int | None = None
    """Replicas that are ready, however many are wanted; ``None`` is all of them."""
    memory: KpaMemory = field(init=False)
    part: VariantPlan = field(init=False)

    def __post_init__(self) -> None:
        self.memory = self.policy.initial_memory()

    def at(self, now: float, total: float | None, held: float = 0.0) -> int:
        """The target for that many requests in all replicas; ``None`` is no scrape."""
        ready = self.desired if self.ready is None else min(self.ready, self.desired)
        each = None if total is None or not ready else metrics(waiting=0, running=total / ready, age_s=0)
        replicas = [replica(each)] * ready + [replica(phase=Phase.STARTING)] * (self.desired - ready)
        variant = seen(self.desired, replicas, self.lowest, self.highest)
        flows = None if total is None else traffic(0, held, age_s=0)
        plan, self.memory = self.policy(observation(now, variant, flows=flows), self.memory)
        (self.part,) = plan.variants
        self.desired = self.part.target
        return self.desired

    def codes(self) -> list[str]:
        return [reason.code for reason in self.part.reasons]


def aiming_at_ten(**options: Any) -> KpaPolicy:
    return KpaPolicy(container_concurrency_target_default=TEN, **options)


def test_by_default_it_aims_at_seventy_requests_a_replica() -> None:
    assert Revision(KpaPolicy()).at(0, 70) == 1
    # 70.01 wants 2 of 1 ready: that is panic.
    revision = Revision(KpaPolicy())
    assert revision.at(0, 70.01) == 2
    assert revision.codes() == ["concurrency", "panic"]


def test_the_stable_window_averages_four_scrapes() -> None:
    revision = Revision(aiming_at_ten(), desired=1)
    assert revision.at(0, 8) == 1
    # The mean of 8 and 12 is 10 and wants 1. But the newest scrape alone wants 2 of 1 ready, and that is panic.
    assert revision.at(15, 12) == 2
    assert revision.codes() == ["concurrency", "panic"]
    assert len(revision.memory.variants["variant"].samples) == 2
    for now in (30, 45, 60):
        revision.at(now, 12)
    assert [sample.at for sample in revision.memory.variants["variant"].samples] == [15, 30, 45, 60]


def test_without_panic_the_mean_decides() -> None:
    revision = Revision(aiming_at_ten(panic_threshold_percentage=1000.0))
    # 8, then 20 / 2 = 10, 32 / 3 = 10.7 and 44 / 4 = 11.
    assert [revision.at(now, load) for now, load in ((0, 8), (15, 12), (30, 12), (45, 12))] == [1, 1, 2, 2]


def test_panic_follows_the_newest_scrape() -> None:
    revision = Revision(aiming_at_ten(), desired=1, ready=1)
    assert revision.at(0, 8) == 1
    # The mean is 49 and wants 5, the newest scrape 90 and wants 9.
    assert revision.at(15, 90) == 9
    # It stays in panic as long as the one that is ready would need two; and 60 s on.
    assert [revision.at(now, 5) for now in (30, 45, 60)] == [9, 9, 9]
    # (5 + 5 + 5 + 5) / 4 wants 1, but 15 + 60 = 75 is when it ends.
    assert revision.at(75, 5) == 1


def test_it_starts_in_panic_over_more_than_one_ready_replica() -> None:
    revision = Revision(aiming_at_ten(), desired=8)
    # Nothing to do, but 8 stay for a stable window; then half of the ready ones at a time.
    assert [revision.at(now, 0) for now in (0, 15, 30, 45, 60, 75, 90, 105)] == [8, 8, 8, 8, 4, 2, 1, 1]


def test_it_starts_from_what_is_ready() -> None:
    # 3 of 8 are ready when it starts: panic keeps 3, and the others go.
    assert Revision(aiming_at_ten(), desired=8, ready=3).at(0, 20) == 3
    # A single one is no panic.
    assert Revision(aiming_at_ten(), desired=8, ready=1).at(0, 5) == 1


def test_a_delay_holds_the_highest_count() -> None:
    revision = Revision(aiming_at_ten(scale_down_delay_s=120.0, panic_threshold_percentage=1000.0), desired=4)
    # 4 ready is panic until 60; from then on 2, with the 4 of 45 held until 165.
    targets = [revision.at(now, 15) for now in range(0, 195, 15)]
    assert targets == [4] * 11 + [2, 2]
    assert revision.codes() == ["concurrency"]


def test_counts_of_the_delay_are_bounded() -> None:
    stamps: tuple[Stamp, ...] = ()
    for now, count in enumerate([5, 9, 3, 7, 7, 2]):
        stamps = delayed(stamps, Stamp(now, count), 60.0)
    assert [stamp.replicas for stamp in stamps] == [9, 7, 2]
    assert [stamp.replicas for stamp in delayed(stamps, Stamp(61, 1), 60.0)] == [7, 2, 1]


def test_bounds() -> None:
    assert Revision(aiming_at_ten(), highest=5).at(0, 90) == 5
    low = Revision(aiming_at_ten(), desired=3, lowest=3)
    assert [low.at(now, 0) for now in (0, 60, 75)] == [3, 3, 3]


def test_without_any_scrape_nothing_changes() -> None:
    revision = Revision(aiming_at_ten(), desired=4)
    assert revision.at(0, None) == 4
    assert (revision.part.publish, revision.codes()) == (None, ["held"])
    assert revision.at(15, 38) == 4
    # The 38 of 15 want 4 until they leave the window at 75, in panic until 60 and without it then.
    assert [revision.at(now, None) for now in (30, 60, 75, 1000)] == [4, 4, 4, 4]
    assert revision.codes() == ["held"]


def test_its_window_may_still_shrink_it_when_it_has_gone_blind() -> None:
    revision = Revision(aiming_at_ten(), desired=4)
    assert [revision.at(0, 40), revision.at(30, 10)] == [4, 4]
    # At 60 the panic of the start is over and only the 10 of 30 are left: 1 is wanted, and half of 4 allowed.
    assert revision.at(60, None) == 2


def test_it_goes_to_zero_after_the_window_and_the_grace_period() -> None:
    revision = Revision(aiming_at_ten(), lowest=0)
    # The mean of the window is above 0 until 60. Then it has been active for a stable window, so it is marked inactive
    # and goes after 30 s more.
    targets = [(now, revision.at(now, 5 if now == 0 else 0)) for now in range(0, 120, 15)]
    assert targets == [(0, 1), (15, 1), (30, 1), (45, 1), (60, 1), (75, 1), (90, 0), (105, 0)]


def test_a_request_in_the_grace_period_keeps_it() -> None:
    revision = Revision(aiming_at_ten(), lowest=0)
    loads = {0: 5.0, 75: 5.0}
    targets = [revision.at(now, loads.get(now, 0.0)) for now in range(0, 180, 15)]
    # Busy at 75, so active anew: the window is empty at 135, a stable window after 75, and the grace ends at 165.
    assert targets == [1] * 11 + [0]


def test_the_last_replica_can_be_kept_longer() -> None:
    revision = Revision(aiming_at_ten(scale_to_zero_pod_retention_period_s=60.0), lowest=0)
    assert [revision.at(now, 0) for now in range(0, 150, 15)] == [1] * 8 + [0] * 2


def test_scale_to_zero_can_be_disabled() -> None:
    revision = Revision(aiming_at_ten(enable_scale_to_zero=False), lowest=0)
    assert [revision.at(now, 0) for now in range(0, 300, 15)] == [1] * 20
    assert revision.codes()[-1] == "clamped"


def test_what_the_gateway_holds_brings_it_from_zero() -> None:
    revision = Revision(aiming_at_ten(), desired=0, lowest=0)
    assert revision.at(0, 0) == 0
    revision.ready = 0
    assert revision.at(15, 0, held=25) == 3
    # While it starts, the queue goes on: the mean of 40 wants 4, the newest 55 wants 6, and panic keeps them.
    assert revision.at(30, 0, held=55) == 6
    assert revision.at(45, 0) == 6


def test_a_replica_that_starts_is_not_given_up() -> None:
    revision = Revision(aiming_at_ten(), desired=1, lowest=0, ready=0)
    assert revision.at(0, 0, held=5) == 1
    assert [revision.at(now, 0) for now in (15, 45, 60, 600)] == [1, 1, 1, 1]


def test_targets_by_variant() -> None:
    revision = Revision(KpaPolicy(target={"variant": TEN}))
    assert revision.at(0, 30) == 3


def test_a_call_in_between_changes_nothing_but_the_moment() -> None:
    rare, often = Revision(aiming_at_ten(), desired=2), Revision(aiming_at_ten(), desired=2)
    for now in range(0, 300, 15):
        load = 90.0 if 60 <= now < 120 else 12.0
        often.at(now, load)
        often.at(now, load)
        assert often.desired == rare.at(now, load)


def test_a_clock_that_was_set_back_does_not_keep_it_in_panic() -> None:
    revision = Revision(aiming_at_ten(), desired=4)
    assert revision.at(1000, 0) == 4
    assert [revision.at(now, 0) for now in (10, 25, 40, 55, 70)] == [4, 4, 4, 4, 2]


def test_memory_is_bounded_and_forgets_what_is_gone() -> None:
    revision = Revision(aiming_at_ten(scale_down_delay_s=600.0), desired=4)
    for tick in range(500):
        revision.at(tick * 15.0, float(tick % 7 * 20))
    known = revision.memory.variants["variant"]
    assert len(known.samples) <= 4
    assert len(known.recommendations) <= 40
    _, left = revision.policy(observation(8000), revision.memory)
    assert not left.variants


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"target": {"a": 0}}, "a target must be a number of at least 0.01, got 0"),
        ({"container_concurrency_target_percentage": 101}, "container_concurrency_target_percentage must be above 0"),
        ({"stable_window_s": 5}, "stable_window_s must be between 6 and 3600, got 5"),
        ({"panic_window_percentage": 0}, "panic_window_percentage must be between 1 and 100"),
        ({"panic_threshold_percentage": 100}, "panic_threshold_percentage must be above 100"),
        ({"max_scale_up_rate": 1}, "max_scale_up_rate must be above 1"),
        ({"max_scale_down_rate": float("inf")}, "max_scale_down_rate must be above 1"),
        ({"activation_scale": 0}, "activation_scale must be at least 1"),
        ({"scale_to_zero_grace_period_s": -1}, "scale_to_zero_grace_period_s must not be negative"),
        ({"scale_down_delay_s": -1}, "scale_down_delay_s must be between 0 and 3600"),
    ],
)
def test_what_knative_refuses_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(UserError, match=text):
        make("kpa", options)

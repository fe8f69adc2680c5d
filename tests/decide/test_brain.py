"""Whole decisions on hand-made fleets."""

from dataclasses import replace

import pytest

from tests.decide.worlds import (
    BUSY,
    MODEL,
    SETTINGS,
    Play,
    codes,
    observation,
    ready,
    replica,
    seen,
    traffic,
    variant,
)
from wva.decide.brain import WvaPolicy
from wva.decide.settings import Settings
from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.observation import ModelObservation, Trigger
from wva.fleet.replica import Phase

V = variant()
FULL_WINDOW = 330.0


def settled(rate: float, count: int) -> Play:
    """A fleet whose load was seen for a full window."""
    play = Play()
    play.run(FULL_WINDOW, rate, ready(V, count))
    return play


def needed(rate: float) -> int:
    """Replicas that a constant load needs in the end."""
    return settled(rate, 1).decide(rate, ready(V, 1))["v"].target


def test_a_load_beyond_the_fleet_is_met_in_one_step() -> None:
    plan = settled(100.0, 2).decide(100.0, ready(V, 2))["v"]
    assert plan.target >= 5
    assert plan.target == plan.publish == needed(100.0)
    assert codes(plan) == ["demand", "need", "capacity", "grow"]
    assert "short of" in str(plan.reasons[-1])


def test_too_large_a_fleet_shrinks_after_the_hold_window_by_a_share_at_a_time() -> None:
    play = settled(1.0, 12)
    plan = play.decide(1.0, ready(V, 12))["v"]
    assert plan.target == 9
    assert codes(plan)[-1] == "shrink"


def test_nothing_shrinks_before_a_full_window() -> None:
    play = Play()
    plan = play.run(285.0, 1.0, ready(V, 12))["v"]
    assert plan.target == 12
    assert "guard" in codes(plan)


def test_blind_holds_and_publishes_nothing() -> None:
    play = settled(1.0, 12)
    play.now += 15.0
    for of in (None, replace(traffic(400.0), age_s=200.0)):
        plan = play.see(observation(play.now, of, ready(V, 12)))["v"]
        assert (plan.target, plan.publish) == (12, None)
        assert codes(plan) == ["blind"]


def test_a_pinned_count_is_published_at_every_turn_however_little_is_seen() -> None:
    held = ready(variant(min_replicas=3, max_replicas=3), 2)
    play = Play()
    for count in (2, 3, 3):
        held = seen(held.variant, *(replica(f"v-{number}") for number in range(count)))
        play.now += 15.0
        plan = play.see(observation(play.now, None, held))["v"]
        assert (plan.target, plan.publish, codes(plan)) == (3, 3, ["blind"])


def test_a_hold_keeps_what_the_body_works_towards() -> None:
    recreating = seen(V, replica("a"), replica("b"), desired=3)
    plan = Play().see(observation(15.0, None, recreating))["v"]
    assert (plan.expected, plan.target, plan.publish) == (2, 3, None)


def test_engines_that_cannot_be_seen_keep_the_fleet() -> None:
    play = settled(1.0, 12)
    dark = [replica(f"v-{k}", metrics=replace(BUSY, age_s=100.0)) for k in range(12)]
    for _ in range(10):
        plan = play.decide(1.0, seen(V, *dark))["v"]
    assert plan.target == 12
    assert "guard" in codes(plan)


def test_pending_and_starting_replicas_count_as_coming() -> None:
    play, count = settled(100.0, 2), needed(100.0)
    for phase in (Phase.PENDING, Phase.STARTING):
        more = [replica(f"n{k}", phase, since=play.now) for k in range(count - 2)]
        plan = play.decide(100.0, seen(V, replica("a"), replica("b"), *more))["v"]
        assert plan.target == count
        assert codes(plan)[-1] == "hold"


def test_replicas_stuck_without_hardware_do_not() -> None:
    play, count = settled(100.0, 2), needed(100.0)
    stuck = [replica(f"n{k}", Phase.PENDING, since=play.now - 200.0) for k in range(count - 2)]
    other = variant("w", accelerator="A100-80GB", cost_per_hour=9.0)
    plans = play.decide(100.0, seen(V, replica("a"), replica("b"), *stuck), seen(other), inventory=pool(0))
    assert plans["v"].target == count
    assert plans["w"].target > 0


def test_a_rollout_is_not_shrunk() -> None:
    play = settled(1.0, 12)
    mixed = [replica(f"v-{k}", revision="1" if k else "0") for k in range(12)]
    plan = play.decide(1.0, seen(V, *mixed))["v"]
    assert plan.target == 12
    assert any("rollout" in str(reason) for reason in plan.reasons)


def test_an_idle_model_goes_to_zero_after_the_idle_window_and_not_before() -> None:
    play = settled(1.0, 1)
    assert play.run(585.0, 0.0, ready(V, 1))["v"].target == 1
    assert play.run(360.0, 0.0, ready(V, 1))["v"].target == 0


def test_a_minimum_or_a_carrier_that_cannot_reach_zero_keeps_one() -> None:
    bound = replace(ready(V, 1), traits=replace(ready(V, 1).traits, reaches_zero=False))
    for kept in (bound, ready(variant(min_replicas=1), 1)):
        play = Play()
        play.run(FULL_WINDOW, 1.0, kept)
        assert play.run(1500.0, 0.0, kept)["v"].target == 1


def test_a_request_at_zero_brings_a_replica_back() -> None:
    play = settled(1.0, 1)
    assert play.run(1500.0, 0.0, ready(V, 0))["v"].target == 0
    queued = observation(play.now + 15.0, traffic(play.arrivals, queue=1.0), ready(V, 0))
    assert play.see(queued)["v"].target == 1


@pytest.mark.parametrize("trigger", [Trigger.INTERVAL, Trigger.ARRIVAL_AT_ZERO])
@pytest.mark.parametrize("queue", [0.0, 1.0])
def test_a_model_that_never_served_is_woken_by_what_waits(trigger: Trigger, queue: float) -> None:
    dear = variant("dear", cost_per_hour=9.0)
    what = observation(15.0, traffic(0.0, queue=queue), ready(dear, 0), ready(V, 0), trigger=trigger)
    plans = Play().see(what)
    woken = queue > 0.0 or trigger is Trigger.ARRIVAL_AT_ZERO
    assert (plans["v"].target, plans["dear"].target) == (int(woken), 0)
    assert codes(plans["v"])[-1] == ("wake" if woken else "blind")


def pool(*free: int) -> Inventory:
    return Inventory((Pool("p", "H100-80GB", Supply.FIXED, 64, free),))


def test_growth_stays_inside_the_inventory_and_says_so() -> None:
    play = settled(200.0, 2)
    assert play.decide(200.0, ready(V, 2), inventory=pool(1))["v"].target == 3
    plan = play.decide(200.0, ready(V, 2), inventory=pool(0))["v"]
    assert plan.target == 2
    assert codes(plan)[-1] == "short"
    assert "no more can be had" in str(plan.reasons[-1])


def test_two_variants_share_one_pool() -> None:
    play = settled(500.0, 2)
    pair = variant("pair", tensor_parallel=2, cost_per_hour=6.1)
    plans = play.decide(500.0, ready(V, 2), seen(pair), inventory=pool(4))
    assert plans["v"].target - 2 + 2 * plans["pair"].target <= 4


@pytest.mark.parametrize(("cost", "count"), [(3.0, 3), (30.0, 0)])
def test_headroom_that_only_dear_capacity_gives_is_kept_in_part_and_that_is_said(cost: float, count: int) -> None:
    most = needed(100.0) - 3
    few, other = variant(max_replicas=most), variant("other", cost_per_hour=cost)
    play = Play()
    play.run(FULL_WINDOW, 100.0, ready(few, most), seen(other))
    plans = play.decide(100.0, ready(few, most), seen(other))
    assert {name: plan.target for name, plan in plans.items()} == {"v": most, "other": count}
    (need,) = (reason for reason in plans["other"].reasons if reason.code == "need")
    assert ("would cost too much of what can still be had" in need.text) == (count == 0)


def test_the_higher_priority_takes_shared_stock_and_what_the_lower_one_can_spare() -> None:
    def both(now: float, arrivals: float, inventory: Inventory = Inventory()):  # type: ignore[no-untyped-def]  # noqa: B008
        low, high = replace(MODEL, name="low"), replace(MODEL, name="high", priority=5)
        fleet = [
            seen(variant(name, model=name, min_replicas=1), *(replica(f"{name}-{k}") for k in range(2)))
            for name in ("low", "high")
        ]
        plain = observation(now, None, *fleet, inventory=inventory)
        shown = tuple(ModelObservation(model, traffic(arrivals)) for model in (low, high))
        return replace(plain, scope=("low", "high"), models=shown)

    play = Play()
    for number in range(1, 23):
        play.see(both(15.0 * number, 1500.0 * number))
    memory = play.memory
    plans = play.see(both(345.0, 1500.0 * 23, pool(2)))
    # Both need five or more: high gets the two free GPUs, and the one that low has above its minimum.
    assert (plans["low"].target, plans["high"].target) == (1, 4)
    assert codes(plans["low"])[-1] == "yield"
    play.memory = memory
    plans = play.see(replace(both(345.0, 1500.0 * 23, pool(2)), scope=("high",)))
    assert {name: plan.target for name, plan in plans.items()} == {"high": 4}


def test_a_variant_of_unknown_capacity_is_held() -> None:
    odd = variant("odd", accelerator="abacus")
    play = Play()
    plans = play.run(FULL_WINDOW, 1.0, ready(V, 2), ready(odd, 3))
    assert (plans["odd"].target, plans["odd"].publish) == (3, None)


def test_an_extra_early_decision_learns_nothing_twice() -> None:
    play = settled(5.0, 2)
    again = observation(play.now + 0.1, replace(traffic(play.arrivals), age_s=0.1), ready(V, 2))
    assert play.memory is not None
    before = play.memory.models["m"]
    play.see(again)
    after = play.memory.models["m"]
    assert (after.samples, after.burstiness, after.excursions) == (before.samples, before.burstiness, before.excursions)


def test_memory_stays_bounded() -> None:
    play = settled(5.0, 2)
    play.run(3600.0, 5.0, ready(V, 2))
    assert play.memory is not None
    memory = play.memory.models["m"]
    assert len(memory.samples) <= 22
    assert len(memory.excursions) <= 12
    assert len(memory.needs) <= 61  # one each 15 s of the longest hold
    assert set(memory.generated_by) <= {"v-0", "v-1"}


@pytest.mark.parametrize("wrong", [{"headroom": 1.0}, {"stale_s": 0.0}, {"burst_deviations": -1.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_the_default_policy_has_the_default_settings() -> None:
    assert WvaPolicy().settings == SETTINGS

"""Capacity that a load needs."""

from dataclasses import replace

import pytest

from tests.decide.worlds import SETTINGS, ready, replica, seen, variant
from wva.decide import explain
from wva.decide.capacity import ReplicaCapacity
from wva.decide.demand import Demand
from wva.decide.need import (
    burst_share,
    headroom_for,
    kv_headroom,
    occupied_capacity,
    required,
    to_cover,
)
from wva.decide.waiting import room_for_waiting
from wva.engine.capacity import Binding
from wva.fleet.replica import Phase

ONE = ReplicaCapacity(
    requests_per_s=5.0, kv_tokens=1000.0, residence_s=60.0, binding=Binding.TPOT, prompt_share=0.2, long_prompt=0.0
)
LOAD = Demand(level=8.0, settled=8.0, trend=0.0, fast=8.0, deviation=0.0, noise=0.0, expected=8.0, held_tokens=None)
PLAIN = replace(
    SETTINGS,
    headroom=1 / 3,  # of which the engines of ONE feel 0.6: 0.2
    few_replicas=0.5,
    least_headroom=0.05,
    kv_headroom=1.0,  # a half of the cache at that headroom
    burst_deviations=1.0,
    surge_deviations=1.0,
    surprise_deviations=2.0,
    surprise_headroom=0.5,
    most_occupied=1.5,
    tolerance=0.5,
)


def test_prompts_feel_bursts_at_once_and_answers_over_their_residence() -> None:
    # 60 s are four bins of 15 s, so half of a burst reaches what decodes.
    assert burst_share(ONE, PLAIN) == pytest.approx(0.2 + 0.8 / 2)
    assert burst_share(replace(ONE, residence_s=1.0), PLAIN) == 1.0


def test_headroom_and_bursts_come_on_top_of_the_load() -> None:
    assert required(LOAD, ONE, 0.0, 0.0, True, PLAIN).total == pytest.approx(10.0)
    burst = required(replace(LOAD, deviation=0.5), ONE, 0.0, 0.0, True, PLAIN)
    assert burst.total == pytest.approx(8.0 * (1 + 0.5 * 0.6) / 0.8)


def test_long_answers_need_less_headroom() -> None:
    # All of a burst is felt: 8 / (1 - 1/3); over 16 bins 0.2 + 0.8 / 4 = 0.4 of it: 8 / (1 - 0.4/3).
    short, long = replace(ONE, residence_s=1.0), replace(ONE, residence_s=240.0)
    assert required(LOAD, short, 0.0, 0.0, True, PLAIN).total == pytest.approx(12.0)
    assert required(LOAD, long, 0.0, 0.0, True, PLAIN).total == pytest.approx(8.0 / (1 - 0.4 / 3))


@pytest.mark.parametrize(
    ("load", "headroom"),
    [
        (20.0, 0.5),  # four replicas of 5 in use
        (10.0, 0.5),  # two
        (2.5, 2.0 / 3.0),  # a half: twice the square root of what two keep free for each unit in use
        (0.5, 1.0 - 1.0 / (1.0 + 20.0**0.5)),  # a tenth, and no less is told apart
        (0.0, 1.0 - 1.0 / (1.0 + 20.0**0.5)),
    ],
)
def test_a_load_of_few_replicas_keeps_more_free(load: float, headroom: float) -> None:
    settings = replace(SETTINGS, headroom=0.5, few_replicas=2.0)
    short = replace(ONE, residence_s=1.0)
    assert headroom_for(load, short, settings) == pytest.approx(headroom)
    assert headroom_for(load, ONE, settings) == pytest.approx(headroom * burst_share(ONE, settings))
    demand = replace(LOAD, level=load, settled=load, fast=0.0, expected=0.0)
    assert required(demand, short, 0.0, 0.0, True, settings).headroom == pytest.approx(headroom)


def test_room_for_prompts_takes_the_place_of_less_headroom_and_of_no_more() -> None:
    # Two replicas may be busy with prompts for 1 / (1 + 16 x 0.2 / 1.26) = 0.283 of their time: 0.71 of 0.4.
    long = replace(ONE, prompt_share=0.4, long_prompt=0.2)
    room = room_for_waiting(8.0, long)
    little = required(LOAD, long, 0.0, 0.0, True, replace(PLAIN, headroom=0.1))
    assert little.headroom == little.waiting == room == pytest.approx(0.2917, abs=1e-4)
    assert little.total == pytest.approx(8.0 / (1.0 - room))
    much = required(LOAD, long, 0.0, 0.0, True, replace(PLAIN, headroom=0.6))
    assert much.headroom == pytest.approx(0.6 * burst_share(long, PLAIN))
    assert much.waiting == room < much.headroom
    told = [explain.needed(each, held=0.0, left=0.0, dear=0.0).text for each in (little, much)]
    assert told[0].startswith("the level of the load, with room for prompts not to wait for each other, needs")
    assert told[1].startswith("the level of the load, with headroom, needs")


def test_what_is_gone_for_good_needs_no_headroom() -> None:
    assert required(
        replace(LOAD, settled=4.0, fast=2.0, expected=2.0), ONE, 0.0, 0.0, True, PLAIN
    ).total == pytest.approx(5.0)


def test_what_is_seen_coming_needs_the_least_headroom_and_more_of_its_bursts() -> None:
    coming = required(replace(LOAD, expected=12.0), ONE, 0.0, 0.0, True, PLAIN)
    assert coming.steady == pytest.approx(10.0)
    assert coming.total == coming.coming == pytest.approx(12.0 / 0.95)
    # A headroom of 0.2 leaves a quarter of what is in use: a quarter of a deviation. Of bursts 0.6 is felt:
    # they deviate by 0.3 of 8, and by the square root of 12 over 8 more where 12 come.
    bursty = required(replace(LOAD, expected=12.0, deviation=0.5), ONE, 0.0, 0.0, True, PLAIN)
    assert bursty.coming == pytest.approx((12.0 + 0.25 * 0.3 * 8.0 * (12.0 / 8.0) ** 0.5) / 0.95)


def test_what_the_usual_bursts_do_not_explain_leaves_most_of_the_headroom_free() -> None:
    # A burst to 14 where bursts deviate by a tenth of 8 over the fast window: 12.4 of it are no usual burst, whatever
    # is expected of the others. Half of the headroom of 0.2 stays.
    sudden = required(replace(LOAD, fast=14.0, noise=0.1), ONE, 0.0, 0.0, True, PLAIN)
    assert sudden.total == sudden.surprise == pytest.approx((14.0 - 2 * 0.1 * 8.0) / 0.9)
    # Where such bursts are usual, nothing stands out.
    usual = required(replace(LOAD, fast=14.0, noise=0.4), ONE, 0.0, 0.0, True, PLAIN)
    assert usual.total == usual.steady == pytest.approx(10.0)
    assert required(replace(LOAD, fast=14.0, noise=9.0), ONE, 0.0, 0.0, True, PLAIN).surprise == 0.0


def test_a_load_that_is_going_deviates_as_it_did() -> None:
    going = required(replace(LOAD, expected=4.0, deviation=0.5), ONE, 0.0, 0.0, True, PLAIN)
    assert going.coming == pytest.approx((4.0 + 0.25 * 0.3 * 4.0) / 0.95)


def test_without_headroom_nothing_coming_gets_any() -> None:
    bare = replace(PLAIN, headroom=0.0)
    assert required(replace(LOAD, expected=12.0), ONE, 0.0, 0.0, True, bare).total == pytest.approx(12.0)


@pytest.mark.parametrize(
    ("capacity", "covered"),
    [
        (19.5, 19.5),  # half a replica of 4 is 2, half of the headroom of 0.2 is 2 as well: 0.5 short is left to it
        (18.0, 18.0),  # exactly 2 short
        (17.9, 20.0),  # more than that
        (20.0, 20.0),
        (25.0, 20.0),
    ],
)
def test_a_small_shortfall_is_left_to_the_headroom(capacity: float, covered: float) -> None:
    assert to_cover(20.0, capacity, 4.0, 0.2, PLAIN) == covered


def test_a_shortfall_is_judged_by_half_a_replica_and_by_part_of_the_headroom() -> None:
    assert to_cover(20.0, 18.5, 2.0, 0.2, PLAIN) == 20.0  # half of 2 is 1
    assert to_cover(20.0, 18.5, 100.0, 0.2, PLAIN) == 18.5  # 0.5 x 0.2 x 20 is 2
    assert to_cover(20.0, 17.5, 100.0, 0.2, PLAIN) == 20.0
    assert to_cover(1e-6, 0.0, 100.0, 0.2, PLAIN) == 1e-6  # a model in use gets its replica


def test_a_filling_cache_needs_more_up_to_a_bound() -> None:
    assert required(LOAD, ONE, 6.0, 0.0, True, PLAIN).total == pytest.approx(12.0)
    assert required(LOAD, ONE, 60.0, 0.0, True, PLAIN).total == pytest.approx(15.0)


@pytest.mark.parametrize(("headroom", "free"), [(0.0, 0.0), (0.4, 0.1), (0.5, 0.15), (0.7, 0.35), (0.95, 0.9)])
def test_more_of_the_cache_stays_free_with_more_headroom(headroom: float, free: float) -> None:
    assert kv_headroom(replace(SETTINGS, headroom=headroom)) == pytest.approx(free)


def test_the_backlog_is_worked_off_in_its_time() -> None:
    assert required(LOAD, ONE, 0.0, 240.0, True, PLAIN).backlog == pytest.approx(2.0)
    assert required(LOAD, ONE, 0.0, 240.0, True, PLAIN).total == pytest.approx(12.0)


def test_a_model_in_use_needs_a_trace() -> None:
    nothing = replace(LOAD, settled=0.0, fast=0.0, expected=0.0)
    assert required(nothing, ONE, 0.0, 0.0, True, PLAIN).total > 0.0
    assert required(nothing, ONE, 0.0, 0.0, False, PLAIN).total == 0.0


def test_occupied_capacity_is_that_of_the_part_in_use() -> None:
    two = seen(variant(), replica("a"), replica("b", Phase.DRAINING), replica("c", Phase.STARTING))
    assert occupied_capacity(500.0, [two], {"v": ONE}) == pytest.approx(10.0 * 500.0 / 2000.0)
    assert occupied_capacity(9000.0, [two], {"v": ONE}) == pytest.approx(1.5 * 10.0)
    assert occupied_capacity(None, [two], {"v": ONE}) == 0.0
    assert occupied_capacity(500.0, [ready(variant(), 0)], {"v": ONE}) == 0.0

"""What can be believed."""

from dataclasses import replace
from math import inf, nan

import pytest

from tests.decide.worlds import BUSY, MODEL, SETTINGS, replica, seen, traffic, variant
from wva.decide.memory import LoadSample
from wva.decide.trust import Backlog, Lengths, Occupancy, backlog, generated, known, lengths, load_sample, occupancy
from wva.fleet.observation import ModelObservation, Traffic
from wva.fleet.replica import InstanceMetrics, Phase

HELD = Occupancy(running=2.0, waiting=1.0, used_tokens=500.0)


def sample(of: Traffic | None, held: Occupancy | None = HELD) -> LoadSample | None:
    return load_sample(ModelObservation(MODEL, of), held, 100.0, 7.0, 1000.0, SETTINGS)


@pytest.mark.parametrize("value", [None, nan, inf, -1.0])
def test_what_no_counter_shows_is_unknown(value: float | None) -> None:
    assert known(value) is None


def test_a_sample_is_dated_by_its_scrape_and_counts_what_waits() -> None:
    of = replace(traffic(50.0, prompt=200.0, queue=3.0), age_s=5.0)
    assert sample(of) == LoadSample(995.0, 50.0, 10_000.0, 7.0, 500.0 + 4 * 100.0)


@pytest.mark.parametrize(
    "of",
    [
        None,
        replace(traffic(50.0), age_s=61.0),
        replace(traffic(50.0), age_s=nan),
        replace(traffic(50.0), age_s=-1.0),
        replace(traffic(50.0), arrivals_total=nan),
        replace(traffic(50.0), arrived_bytes_total=None),
    ],
)
def test_without_fresh_counters_there_is_no_sample(of: Traffic | None) -> None:
    assert sample(of) is None


def test_an_unknown_queue_is_no_empty_one() -> None:
    blind = replace(traffic(50.0), queue_requests=None)
    assert backlog(ModelObservation(MODEL, blind), SETTINGS) is None
    found = sample(blind)
    assert found is not None
    assert found.held_tokens is None
    assert backlog(ModelObservation(MODEL, traffic(50.0, queue=2.0)), SETTINGS) == Backlog(2.0, 2000.0)


def test_occupancy_adds_up_all_that_serve() -> None:
    shown = seen(variant(), replica("a"), replica("b", Phase.DRAINING), replica("c", Phase.STARTING))
    assert occupancy([shown], SETTINGS) == Occupancy(20.0, 0.0, 40_000.0)


@pytest.mark.parametrize("bad", [replace(BUSY, age_s=61.0), replace(BUSY, kv_usage=nan), replace(BUSY, running=None)])
def test_a_part_of_the_engines_is_not_the_whole(bad: InstanceMetrics) -> None:
    assert occupancy([seen(variant(), replica("a"), replica("b", metrics=bad))], SETTINGS) is None


def test_a_replica_that_was_never_scraped_holds_next_to_nothing() -> None:
    shown = seen(variant(), replica("a"), replica("b", metrics=None))
    assert occupancy([shown], SETTINGS) == Occupancy(10.0, 0.0, 20_000.0)
    assert occupancy([], SETTINGS) == Occupancy(0.0, 0.0, 0.0)


def test_lengths_count_by_the_requests_that_finished() -> None:
    short = replace(BUSY, requests_finished_rate_5m=3.0, input_tokens_mean_5m=200.0, output_tokens_mean_5m=100.0)
    unknown = replace(BUSY, output_tokens_mean_5m=nan)
    shown = seen(variant(), replica("a"), replica("b", metrics=short), replica("c", metrics=unknown))
    assert lengths([shown], SETTINGS) == Lengths(400.0, 125.0, 0.0)
    assert lengths([], SETTINGS) == Lengths(None, None, 0.0)


def test_generated_tokens_are_zero_before_the_start_and_unknown_when_stale() -> None:
    counted = replace(BUSY, generation_tokens_total=9.0)
    shown = seen(
        variant(),
        replica("a", metrics=counted),
        replica("b", metrics=replace(counted, age_s=61.0)),
        replica("c", Phase.STARTING),
    )
    assert generated([shown], SETTINGS) == {"a": 9.0, "b": None, "c": 0.0}

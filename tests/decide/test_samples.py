"""Counters as they were scraped."""

from dataclasses import replace

from tests.decide.worlds import SETTINGS, recorded
from wva.decide.memory import LoadSample, ModelMemory
from wva.decide.samples import recent_output_tokens, remember_generated, remember_sample


def test_a_scrape_seen_twice_changes_nothing() -> None:
    memory = recorded([1.0] * 4)
    assert remember_sample(memory, memory.samples[-1], 75.0, SETTINGS) is memory


def test_counters_that_fell_back_begin_a_new_record() -> None:
    fresh = LoadSample(75.0, 3.0, 300.0, 0.0, None)
    memory = remember_sample(recorded([1.0] * 4), fresh, 76.0, SETTINGS)
    assert memory.samples == (fresh,)
    assert memory.since == 76.0
    assert memory.last_arrival == 75.0


def test_a_gap_of_a_window_begins_a_new_record() -> None:
    memory = remember_sample(recorded([1.0] * 4), LoadSample(4000.0, 900.0, 90_000.0, 0.0, None), 4001.0, SETTINGS)
    assert len(memory.samples) == 1
    assert memory.since == 4001.0


def test_the_record_spans_the_level_window_and_a_bin() -> None:
    memory = ModelMemory(since=0.0)
    for number in range(100):
        memory = remember_sample(memory, LoadSample(15.0 * number, number, number, 0.0, None), 0.0, SETTINGS)
    assert memory.samples[-1].time - memory.samples[0].time == 315.0


def test_the_last_arrival_is_when_the_counter_last_moved() -> None:
    memory = recorded([1.0] * 4)
    idle = replace(memory.samples[-1], time=75.0)
    busy = replace(idle, time=90.0, requests=61.0)
    quiet = remember_sample(replace(memory, last_arrival=60.0), idle, 75.0, SETTINGS)
    assert quiet.last_arrival == 60.0
    assert remember_sample(quiet, busy, 90.0, SETTINGS).last_arrival == 90.0


def test_generated_tokens_survive_changes_of_the_fleet() -> None:
    memory = ModelMemory(since=0.0)
    steps: list[tuple[dict[str, float | None], float]] = [
        ({"a": 500.0, "b": 0.0}, 0.0),  # what a made before it was seen is not the fleet's
        ({"a": 600.0, "b": 50.0}, 150.0),
        ({"a": None, "b": 60.0}, 160.0),  # a is stale
        ({"a": 650.0, "b": 10.0}, 220.0),  # a is back with 50 more; b restarted
        ({"b": 20.0}, 230.0),  # a is gone
    ]
    for totals, expected in steps:
        memory = remember_generated(memory, totals)
        assert memory.generated == expected
    assert memory.generated_by == {"b": 20.0}


def test_answers_that_get_longer_show_before_they_end() -> None:
    memory = recorded([1.0] * 20)
    grown = tuple(replace(s, generated=300.0 * s.requests) for s in memory.samples)
    assert recent_output_tokens(replace(memory, samples=grown), 120.0) == 300.0


def test_without_arrivals_nothing_is_known_of_answers() -> None:
    assert recent_output_tokens(recorded([0.0] * 20), 120.0) is None
    assert recent_output_tokens(ModelMemory(since=0.0), 120.0) is None

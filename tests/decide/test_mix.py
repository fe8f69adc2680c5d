"""The mean request."""

from dataclasses import replace
from math import exp

import pytest

from tests.decide.worlds import SETTINGS
from wva.decide.memory import ModelMemory
from wva.decide.mix import remember_lengths, request_mix
from wva.decide.trust import Lengths, Occupancy

KNOWN = replace(ModelMemory(since=0.0), input_tokens=1000.0, output_tokens=200.0, context_tokens=1100.0)


def test_nothing_finished_is_no_mix() -> None:
    assert request_mix(ModelMemory(since=0.0), 300.0, 0.0) is None


def test_answers_under_way_count_when_they_are_longer() -> None:
    longer, shorter = request_mix(KNOWN, 500.0, 0.3), request_mix(KNOWN, 100.0, 0.3)
    assert longer is not None
    assert shorter is not None
    assert (longer.output_tokens, shorter.output_tokens) == (500.0, 200.0)
    assert (longer.input_tokens, longer.prefix_hit_rate, longer.held_tokens) == (1000.0, 0.3, 1100.0)


def test_lengths_move_over_the_mix_memory() -> None:
    seen = remember_lengths(KNOWN, Lengths(2000.0, 400.0, 0.0), Occupancy(2.0, 0.0, 4200.0), 15.0, SETTINGS)
    weight = 1.0 - exp(-15.0 / 120.0)
    assert seen.input_tokens == pytest.approx(1000.0 + 1000.0 * weight)
    assert seen.output_tokens == pytest.approx(200.0 + 200.0 * weight)
    assert seen.context_tokens == pytest.approx(1100.0 + 1000.0 * weight)


def test_unknown_lengths_leave_what_is_known() -> None:
    assert remember_lengths(KNOWN, Lengths(None, None, 0.0), None, 15.0, SETTINGS) == KNOWN
    assert remember_lengths(KNOWN, Lengths(None, None, 0.0), Occupancy(0.0, 0.0, 0.0), 15.0, SETTINGS) == KNOWN

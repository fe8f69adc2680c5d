"""Engines that are not as fast as the engine model says."""

from dataclasses import replace
from itertools import pairwise
from math import nan
from typing import Any

import pytest

from tests.decide.worlds import MODEL, NO_METRICS, SETTINGS, recorded, replica, seen, variant
from wva.decide.calibration import calibrated, measured_slowness
from wva.decide.capacity import prior_server, replica_capacity
from wva.decide.memory import ModelMemory, VariantMemory
from wva.engine.engine_time import decode_step_s, prompt_s
from wva.engine.mix import RequestMix
from wva.fleet.replica import InstanceMetrics, Phase
from wva.fleet.variant import EngineArguments

MIX = RequestMix(1000.0, 200.0, 0.0, 1100.0)
NOW = 10_000.0
SERVER = prior_server(MODEL, variant())
assert SERVER is not None
BATCH = 32
PROMPTS = 4.0


def server_metrics(slowness: float) -> InstanceMetrics:
    """What an engine shows that takes so many times as long, with 32 in flight and 4 prompts a second."""
    assert SERVER is not None
    step, prompt = slowness * decode_step_s(SERVER, BATCH, 1100.0), slowness * prompt_s(SERVER, 1000, 0, BATCH)
    # In a second, prompts take their time and steps the rest.
    between = step / (1.0 - PROMPTS * prompt)
    return replace(
        NO_METRICS,
        running=float(BATCH),
        waiting_max_1m=0.0,
        generation_tokens_rate_5m=BATCH / between,
        prompt_tokens_rate_5m=1000.0 * PROMPTS,
        prefix_hit_rate_5m=0.0,
        inter_token_mean_5m_s=between,
    )


def load() -> ModelMemory:
    return replace(recorded([4.0] * 21), input_tokens=1000.0, output_tokens=200.0, context_tokens=1100.0)


def learned(metrics: InstanceMetrics, minutes: float, memory: VariantMemory | None = None) -> list[float]:
    """Slowness after each decision."""
    memory, found = memory or VariantMemory(), []
    for number in range(round(minutes * 4)):
        shown = seen(variant(), *(replica(f"r{k}", metrics=metrics) for k in range(3)))
        memory = calibrated(memory, shown, MODEL, load(), NOW + 15.0 * number, SETTINGS)
        found.append(memory.slowness)
    return found


@pytest.mark.parametrize("slowness", [0.7, 1.0, 1.5, 2.0, 2.4])
def test_the_formula_is_exact_for_a_server_that_is_slower_in_everything(slowness: float) -> None:
    assert SERVER is not None
    assert measured_slowness(SERVER, server_metrics(slowness), MIX) == pytest.approx(slowness)


@pytest.mark.parametrize(("real", "believed"), [(2.0, 2.0), (3.0, 2.0), (0.6, 0.6), (0.3, 0.5)])
def test_it_converges_within_bounds(real: float, believed: float) -> None:
    assert learned(server_metrics(real), 20.0)[-1] == pytest.approx(believed, rel=0.02)


@pytest.mark.parametrize("real", [0.8, 1.0, 1.29])
def test_inside_the_dead_band_the_engine_model_is_believed(real: float) -> None:
    assert set(learned(server_metrics(real), 20.0)) == {1.0}


def test_each_step_is_bounded() -> None:
    found = [1.0, *learned(server_metrics(2.0), 10.0)]
    ratios = [after / before for before, after in pairwise(found)]
    assert max(ratios) <= 1.0 + SETTINGS.calibration_step + 1e-12
    assert found[-1] > 1.8


@pytest.mark.parametrize(
    "unusable",
    [
        {"inter_token_mean_5m_s": None},
        {"inter_token_mean_5m_s": nan},
        {"inter_token_mean_5m_s": 0.0},
        {"generation_tokens_rate_5m": None},
        {"prompt_tokens_rate_5m": nan},
        {"waiting_max_1m": 1.0},
        {"waiting_max_1m": None},
        {"running": 2.0},
        {"generation_tokens_rate_5m": 30.0},
        {"age_s": 100.0},
    ],
)
def test_figures_that_say_nothing_change_nothing(unusable: dict[str, Any]) -> None:
    assert set(learned(replace(server_metrics(2.0), **unusable), 5.0)) == {1.0}


def test_only_a_settled_fleet_under_a_steady_load_is_compared() -> None:
    slow = server_metrics(2.0)
    old, young = replica("old", metrics=slow), replica("young", metrics=slow, since=NOW - 100.0)
    leaving = replica("leaving", Phase.DRAINING, metrics=slow)
    steps = replace(load(), samples=recorded([4.0] * 17 + [8.0] * 4).samples)
    for shown, traffic in (
        (seen(variant(), old, young), load()),
        (seen(variant(), old, leaving), load()),
        (seen(variant(), old), steps),
        (seen(variant(), old), replace(load(), samples=())),
        (seen(variant(), old), replace(load(), context_tokens=None)),
    ):
        assert calibrated(VariantMemory(), shown, MODEL, traffic, NOW, SETTINGS).calibration is None


def test_a_new_revision_or_other_engine_arguments_start_over() -> None:
    shown = seen(variant(), replica("r", metrics=server_metrics(2.0)))
    memory = VariantMemory()
    for number in range(40):
        memory = calibrated(memory, shown, MODEL, load(), NOW + 15.0 * number, SETTINGS)
    assert memory.slowness > 1.8
    other = seen(variant(engine=EngineArguments(max_num_seqs=64)), replica("r", metrics=NO_METRICS))
    rolled = replace(shown, revision="2")
    for changed in (other, rolled):
        assert calibrated(memory, changed, MODEL, load(), NOW + 600.0, SETTINGS).slowness == 1.0


def test_a_slow_server_keeps_tighter_objectives_at_a_lower_rate() -> None:
    full = replica_capacity(MODEL, variant(), MIX, 1.0)
    half = replica_capacity(MODEL, variant(), MIX, 2.0)
    assert full is not None
    assert half is not None
    assert half.requests_per_s <= full.requests_per_s / 2.0

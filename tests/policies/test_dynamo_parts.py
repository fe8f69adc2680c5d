"""The parts of Dynamo's planner, worked by hand.

A pass of these servers takes 10 ms and 0.01 ms for each token that it computes; a token in the KV cache takes nothing
to read. So a pass that decodes ``B`` requests beside ``P`` prompt tokens takes ``10 + 0.01 (B + P)`` ms.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.engine.server import Server, StepTime
from wva.fleet.model import Objectives
from wva.policies.dynamo.budget import within_budget
from wva.policies.dynamo.config import LoadPredictor, OptimizationTarget, PlannerConfig
from wva.policies.dynamo.engines import Engines
from wva.policies.dynamo.load import Usual, by_kv_cache, by_latency
from wva.policies.dynamo.memory import Forecast
from wva.policies.dynamo.perf_model import decode_s, discounted, find_engine_capacity, prefill_s
from wva.policies.dynamo.predictors import expected, observe


def server(max_num_seqs: int = 100, kv_blocks: int = 10_000, max_num_batched_tokens: int = 1000) -> Server:
    tokens = np.array([10**10 + 10**7 * n for n in range(max_num_batched_tokens + 1)], np.int64)
    step = StepTime(tokens, sequence_ps=0, kv_token_ps=0, window_token_ps=0, attention_pair_ps=0)
    return Server(step, kv_blocks, 0, 0, max_num_seqs, max_num_batched_tokens, 100_000)


def engines(*loads: tuple[float, float, float, float]) -> Engines:
    """(requests that decode, their tokens, requests that wait, tokens of their prompts) of each."""
    return Engines(*np.array(loads, float).T)


def forecasts(config: PlannerConfig, *values: float) -> list[float]:
    """What is expected after each value."""
    forecast = Forecast()
    found = []
    for value in values:
        forecast = observe(forecast, value, config)
        found.append(expected(forecast, config))
    return found


def test_constant_expects_the_last_value() -> None:
    config = PlannerConfig(load_predictor=LoadPredictor.CONSTANT)
    assert forecasts(config, 0.0, 5.0, 7.0, 0.0, float("nan")) == [0, 5, 7, 0, 0]


def test_kalman_begins_at_the_first_value_and_learns_a_trend() -> None:
    config = PlannerConfig(load_predictor=LoadPredictor.KALMAN)
    # After 10: level 10, trend 0, variances 1000. A step on: 1000 + 1000 + 1 = 2001 of the level, 1000 of both, 1000.1
    # of the trend. 30 is a surprise of 20, of which the level takes 2001 / 2011 and the trend 1000 / 2011, and the next
    # level is their sum: 10 + 20 x 3001 / 2011 = 39.846.
    assert forecasts(config, 0.0, 10.0, 30.0) == pytest.approx([0.0, 10.0, 10 + 20 * 3001 / 2011])


def test_kalman_follows_a_ramp_and_may_expect_less_than_nothing() -> None:
    config = PlannerConfig(load_predictor=LoadPredictor.KALMAN)
    ramp = [100.0 * n for n in range(1, 40)]
    assert forecasts(config, *ramp)[-1] == pytest.approx(4000, rel=1e-3)
    assert forecasts(config, *reversed(ramp), 0.0)[-1] < 0
    assert min(forecasts(replace(config, load_predictor_log1p=True), *reversed(ramp), 0.0)) >= 0


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30))
def test_the_uncertainty_of_the_filter_stays_a_covariance(values: list[float]) -> None:
    forecast = Forecast()
    for value in values:
        forecast = observe(forecast, value, PlannerConfig(load_predictor=LoadPredictor.KALMAN))
        assert forecast.level_variance >= 0
        assert forecast.level_variance * forecast.trend_variance >= forecast.covariance**2 * (1 - 1e-9)


@pytest.mark.parametrize(
    ("current", "proposed", "gpus", "budget", "replicas"),
    [
        (3, 9, 2, -1, 9),
        (3, 9, 2, 11, 5),  # 5 x 2 GPUs fit, 6 do not
        (5, 9, 2, 11, 5),
        (3, 2, 2, 11, 2),
        (7, 9, 2, 11, 5),  # too many come down whatever is proposed
        (7, 6, 2, 11, 5),
        (3, 4, 8, 7, 0),  # no room for the one endpoint that must be kept
    ],
)
def test_the_budget(current: int, proposed: int, gpus: int, budget: int, replicas: int) -> None:
    assert within_budget(current, proposed, gpus, PlannerConfig(max_gpu_budget=budget)) == replicas


def test_prompts_are_computed_in_full_passes_beside_what_decodes() -> None:
    # 2,500 tokens are 2 passes of 1,000, which no decoding token fits into beside, and one of 500 with 20 of others.
    assert prefill_s(server(), 2500.0, 20.0, 0.0) == pytest.approx(2 * 0.020 + 0.0152)
    assert prefill_s(server(), 2000.0, 20.0, 0.0) == pytest.approx(2 * 0.020)
    assert decode_s(server(), 100.2, 9.5, 0.0) == pytest.approx(0.010 + 0.00001 * (101 + 10))


def test_the_prefix_cache_saves_what_it_holds_up_to_a_limit() -> None:
    assert discounted(1000.0, None) == 1000
    assert discounted(1000.0, 0.25) == 750
    assert discounted(1000.0, 1.0) == pytest.approx(50)


def test_capacity_is_the_largest_batch_within_the_objectives() -> None:
    # Prompts of 100 and answers of 50 tokens: a pass of B requests computes B tokens and 2 B of prompts, in
    # 10 + 0.03 B ms.
    # 12.1 ms allow B = 70; the seventy end in 50 passes of 12.1 ms.
    found = find_engine_capacity(server(), 100.0, 50.0, None, 1.0, 0.0121)
    assert found is not None
    assert found.eligible
    assert (found.rps, found.itl_s) == pytest.approx((70 / (50 * 0.0121), 0.0121))
    # The next prompt of 100 is computed with the 140 of a pass, beside 70.
    assert found.ttft_s == pytest.approx(0.010 + 0.00001 * (140 + 100 + 70))


def test_capacity_is_bound_by_slots_by_the_cache_and_by_the_time_to_the_first_token() -> None:
    def batch(of: Server, ttft_s: float = 1.0) -> float:
        found = find_engine_capacity(of, 100.0, 50.0, None, ttft_s, 1.0)
        assert found is not None
        return found.rps * 50 * found.itl_s

    assert batch(server(max_num_seqs=30)) == pytest.approx(30)
    # A request holds 100 + 50 / 2 tokens: 1,600 tokens hold 12.
    assert batch(server(kv_blocks=100)) == pytest.approx(12)
    # 10 + 0.01 (2 B + 100 + B) ms: 12.5 ms allow B = 50.
    assert batch(server(), ttft_s=0.0125) == pytest.approx(50)


def test_capacity_out_of_reach_is_given_all_the_same_but_not_as_eligible() -> None:
    found = find_engine_capacity(server(), 100.0, 50.0, None, 1.0, 0.001)
    assert found is not None
    assert not found.eligible
    assert found.rps == pytest.approx(100 / (50 * 0.013))


def test_a_hit_in_the_prefix_cache_saves_engine_time_but_no_memory() -> None:
    # Half of each prompt is computed: 10 + 0.02 B ms allow B = 100 in 12 ms.
    found = find_engine_capacity(server(), 100.0, 50.0, 0.5, 1.0, 0.012)
    assert found is not None
    assert found.rps == pytest.approx(100 / (50 * 0.012))


@pytest.mark.parametrize(("isl", "osl"), [(0.0, 50.0), (100.0, 0.0), (-5.0, 50.0), (200_000.0, 50.0), (5000.0, 1.0)])
def test_without_a_request_that_fits_there_is_no_capacity(isl: float, osl: float) -> None:
    # The last needs 5,000 prompt tokens in every pass, which holds 1,000.
    assert find_engine_capacity(server(), isl, osl, None, 1.0, 1.0) is None


@pytest.mark.parametrize(
    ("target", "used", "workers", "change"),
    [
        (OptimizationTarget.THROUGHPUT, (1.01, 0.1), 2, 1),
        (OptimizationTarget.THROUGHPUT, (1.0, 0.1), 2, 0),
        (OptimizationTarget.THROUGHPUT, (0.6, 0.1), 2, 0),
        (OptimizationTarget.THROUGHPUT, (0.59, 0.1), 2, -1),
        (OptimizationTarget.THROUGHPUT, (0.1,), 1, 0),
        (OptimizationTarget.LATENCY, (0.41, 0.0), 2, 1),
        (OptimizationTarget.LATENCY, (0.4, 0.0), 2, 0),
        (OptimizationTarget.LATENCY, (0.09, 0.0), 2, -1),
        (OptimizationTarget.LOAD, (0.8, 0.0), 2, 1),
        (OptimizationTarget.LOAD, (0.79, 0.0), 2, 0),
        (OptimizationTarget.LOAD, (0.3, 0.0), 2, -1),
    ],
)
def test_by_the_kv_cache(target: OptimizationTarget, used: tuple[float, ...], workers: int, change: int) -> None:
    config = PlannerConfig(optimization_target=target, decode_scale_up_kv_rate=80.0, decode_scale_down_kv_rate=30.0)
    # 160,000 tokens, half of them waited for.
    loads = engines(*((1.0, 80_000.0 * share, 1.0, 80_000.0 * share) for share in used))
    assert by_kv_cache(config, server(), loads, workers).change == change


USUAL = Usual(isl=100.0, kv_hit_rate=None, prefill_tokens=100.0, decode_kv=200.0)
"""The next prompt has 100 tokens, a pass computes 100, a request holds 200."""
OBJECTIVES = Objectives(ttft_s=0.1, tpot_s=0.0125)


@pytest.mark.parametrize(
    ("loads", "change", "why"),
    [
        # A prompt behind 9,900 tokens takes 10 passes of 20 ms: 200 ms on both engines. On one of them it may.
        (((0, 0, 99, 9900), (0, 0, 99, 9900)), 1, ""),
        (((0, 0, 99, 9900), (0, 0, 0, 0)), 0, "would leave the queue too little"),
        # 150 requests and one more beside 100 tokens: 12.51 ms a token on both.
        (((150, 3e4, 0, 0), (150, 3e4, 0, 0)), 1, ""),
        # 45 become 90, and one more: 11.9 ms, where 80 % of 12.5 is 10.
        (((45, 9e3, 0, 0), (45, 9e3, 0, 0)), 0, "would come to 80%"),
        # Two queues of 3,000 become one of 6,000, 6 passes of 20 ms after its own of 11 ms: more than 80 % of 89 ms.
        (((0, 0, 30, 3000), (0, 0, 30, 3000)), 0, "would leave the queue too little"),
        # 80,000 tokens each fill a cache of 160,000.
        (((1, 8e4, 0, 0), (1, 8e4, 0, 0)), 0, "would fill a KV cache"),
    ],
)
def test_by_latency(loads: tuple[tuple[float, float, float, float], ...], change: int, why: str) -> None:
    step = by_latency(PlannerConfig(), server(), engines(*loads), len(loads), USUAL, OBJECTIVES)
    assert step.change == change
    assert why in step.why


def test_by_latency_what_is_well_within_the_objectives_shrinks_to_one() -> None:
    idle = (0.0, 0.0, 0.0, 0.0)
    roomy = Objectives(ttft_s=0.1, tpot_s=0.02)
    assert by_latency(PlannerConfig(), server(), engines(idle, idle), 2, USUAL, roomy).change == -1
    assert by_latency(PlannerConfig(), server(), engines(idle), 1, USUAL, roomy).change == 0
    never = PlannerConfig(load_scaling_down_sensitivity=0.0)
    assert by_latency(never, server(), engines(idle, idle), 2, USUAL, roomy).change == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ttft_share": 0.0}, "ttft_share must be above 0"),
        ({"min_endpoint": 0}, "min_endpoint must be above 0"),
        ({"load_scaling_down_sensitivity": 101.0}, "load_scaling_down_sensitivity must be between 0 and 100"),
        ({"optimization_target": OptimizationTarget.LOAD}, "needs a decode_scale_up_kv_rate"),
        ({"enable_throughput_scaling": False, "enable_load_scaling": False}, "must be on"),
        ({"load_adjustment_interval_seconds": 180.0}, "must be below throughput_adjustment_interval_seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlannerConfig(**options)

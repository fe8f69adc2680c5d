"""What a server draws: by hand, within what is measured, and between its bounds whatever it does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.small import GPU
from wva.engine.build import build_server
from wva.engine.capacity import sustainable
from wva.engine.load_power import mean_power_w
from wva.engine.mix import RequestMix
from wva.engine.power import ServerPower, server_power
from wva.engine.server import Server
from wva.fleet.accelerator import Accelerator
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.model import Objectives

SERVERS = {
    (model, gpu, gpus): build_server(model_shape(model), accelerator(gpu), gpus, precision)
    for model, gpu, gpus, precision in [
        ("Llama-3.1-8B-Instruct", "H100-80GB", 1, "bf16"),
        ("Llama-3.1-8B-Instruct", "A100-80GB", 1, "bf16"),
        ("Llama-3.1-8B-Instruct", "L4", 1, "bf16"),
        ("Llama-3.1-70B-Instruct", "H100-80GB", 4, "bf16"),
        ("Llama-3.1-70B-Instruct", "A100-80GB", 4, "bf16"),
        ("Qwen3-32B", "H100-80GB", 2, "bf16"),
        ("Qwen3-32B", "B200", 1, "bf16"),
        ("gpt-oss-120b", "H100-80GB", 2, "fp4"),
        ("Qwen3-235B-A22B", "H200", 4, "fp8"),
    ]
}


def step_ps(server: Server, batch: int, context: int, chunk: int = 0) -> tuple[int, int]:
    """(duration, saturated part) of a step that decodes ``batch`` sequences and computes a whole prompt, if any."""
    step = server.step
    sequences = batch + (chunk > 0)
    attention = batch * (step.kv_token_ps * context + step.window_token_ps * min(context, server.window))
    attention += step.attention_pair_ps * chunk * (chunk + 1) // 2
    duration = int(step.tokens_ps[batch + chunk]) + step.sequence_ps * sequences + attention
    return duration, attention + step.product_token_ps * (batch + chunk) + step.output_row_ps * sequences


def share_of_limit(key: tuple[str, str, int], batch: int, context: int, chunk: int = 0) -> float:
    """Power of such a step over the limit of its GPUs."""
    _, gpu, gpus = key
    limit = accelerator(gpu).power_limit_w
    duration, saturated = step_ps(SERVERS[key], batch, context, chunk)
    power = SERVERS[key].power
    assert power is not None
    assert limit is not None
    return (power.standing_w + power.dynamic_j(duration, saturated) / duration) / (gpus * limit)


def test_the_power_of_a_server_is_that_of_its_gpus() -> None:
    # Of 100 W, 10 are idle and 10 a context's: 80 are left, of which steps draw 0.6, or 0.97 where saturated.
    power = server_power(GPU, 2)
    assert power is not None
    assert (power.standing_w, power.streaming_w, power.saturated_w) == pytest.approx((40, 96, 155.2))
    assert power.dynamic_j(10.0, 0.0) == pytest.approx(960)
    assert power.dynamic_j(10.0, 2.5) == pytest.approx(7.5 * 96 + 2.5 * 155.2)


@pytest.mark.parametrize(
    "accelerator",
    [replace(GPU, power_limit_w=None), replace(GPU, idle_power_w=None), replace(GPU, context_power_w=None)],
)
def test_without_a_figure_the_power_is_unknown(accelerator: Accelerator) -> None:
    assert server_power(accelerator, 1) is None


@pytest.mark.parametrize("gpu", ["H100-80GB", "A100-80GB"])
@pytest.mark.parametrize(("model", "gpus"), [("Llama-3.1-8B-Instruct", 1), ("Llama-3.1-70B-Instruct", 4)])
def test_prefill_draws_near_the_limit_and_decode_less(model: str, gpus: int, gpu: str) -> None:
    key = (model, gpu, gpus)
    most = SERVERS[key].max_num_batched_tokens
    assert 0.8 <= share_of_limit(key, 0, 0, chunk=most) <= 1.0
    assert 0.6 <= share_of_limit(key, 1, 1000) <= 0.72
    assert 0.7 <= share_of_limit(key, 128, 1000) <= 0.9


@pytest.mark.parametrize(
    ("model", "gpu", "gpus", "batch", "context", "watts"),
    [
        # ML.ENERGY leaderboard 3.0, vLLM, mean power of all GPUs. Answers of 400, 355, 7,000 and 1,750 tokens, of which
        # those in flight are half written or more; prompts are short.
        ("Llama-3.1-8B-Instruct", "H100-80GB", 1, 16, 440, 513),
        ("Llama-3.1-8B-Instruct", "H100-80GB", 1, 32, 440, 560),
        ("Llama-3.1-8B-Instruct", "H100-80GB", 1, 128, 440, 669),
        ("Llama-3.1-70B-Instruct", "H100-80GB", 4, 8, 410, 1765),
        ("Llama-3.1-70B-Instruct", "H100-80GB", 4, 64, 410, 2002),
        ("Llama-3.1-70B-Instruct", "H100-80GB", 4, 255, 410, 2354),
        ("Qwen3-32B", "H100-80GB", 2, 8, 4450, 954),
        ("Qwen3-32B", "H100-80GB", 2, 16, 4450, 979),
        ("Qwen3-32B", "H100-80GB", 2, 64, 4450, 1114),
        ("Qwen3-32B", "B200", 1, 8, 580, 860),
        ("Qwen3-32B", "B200", 1, 256, 580, 971),
        ("gpt-oss-120b", "H100-80GB", 2, 8, 1300, 864),
        ("gpt-oss-120b", "H100-80GB", 2, 128, 1300, 1208),
    ],
)
def test_decode_power_against_measurements(
    model: str, gpu: str, gpus: int, batch: int, context: int, watts: float
) -> None:
    limit = accelerator(gpu).power_limit_w
    assert limit is not None
    assert share_of_limit((model, gpu, gpus), batch, context) == pytest.approx(watts / (gpus * limit), rel=0.22)


@given(
    key=st.sampled_from(sorted(SERVERS)),
    batch=st.integers(0, 512),
    context=st.integers(1, 100_000),
    chunk=st.integers(0, 8192),
)
def test_no_step_is_saturated_for_longer_than_it_takes(
    key: tuple[str, str, int], batch: int, context: int, chunk: int
) -> None:
    batch = min(batch, SERVERS[key].max_num_seqs)
    chunk = max(min(chunk, SERVERS[key].max_num_batched_tokens - batch), 0 if batch else 1)
    duration, saturated = step_ps(SERVERS[key], batch, context, chunk)
    assert 0 <= saturated <= duration
    power = SERVERS[key].power
    assert power is not None
    lowest = power.standing_w / (key[2] * (accelerator(key[1]).power_limit_w or 0.0))
    assert lowest <= share_of_limit(key, batch, context, chunk) <= 1.0


def test_power_under_a_load_that_can_be_worked_out_by_hand() -> None:
    # A step takes 10 ms and 10 us a token, 2 us of them at full rate; a prompt of 1,000 tokens takes 20 ms alone.
    server = SERVERS["Llama-3.1-8B-Instruct", "H100-80GB", 1]
    tokens = 10_000_000_000 + 10_000_000 * np.arange(4001, dtype=np.int64)
    step = replace(
        server.step,
        tokens_ps=tokens,
        sequence_ps=0,
        kv_token_ps=0,
        window_token_ps=0,
        attention_pair_ps=0,
        product_token_ps=2_000_000,
        output_row_ps=0,
    )
    server = replace(server, step=step, max_num_batched_tokens=4000, power=ServerPower(100.0, 200.0, 400.0))
    prefill_only = RequestMix(1000, 1)
    # 10 prompts a second keep it busy for 0.2 s, saturated for 10 x 1,000 x 2 us = 0.02 s of each second.
    assert mean_power_w(server, prefill_only, 10, 0.0) == pytest.approx(100 + 200 * 0.18 + 400 * 0.02)
    assert mean_power_w(replace(server, power=None), prefill_only, 10, 0.0) is None


@pytest.mark.parametrize("key", sorted(SERVERS))
def test_power_at_the_sustainable_rate_is_between_standing_and_limit(key: tuple[str, str, int]) -> None:
    server, mix = SERVERS[key], RequestMix(1000, 200)
    rates = [sustainable(server, mix, Objectives(5.0, 0.2), headroom) for headroom in (0.0, 0.5, 0.99)]
    watts = [mean_power_w(server, mix, rate.requests_per_s, rate.batch) for rate in rates]
    assert server.power is not None
    limit = key[2] * (accelerator(key[1]).power_limit_w or 0.0)
    assert limit >= (watts[0] or 0.0) > (watts[1] or 0.0) > (watts[2] or 0.0) > server.power.standing_w

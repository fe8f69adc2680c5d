from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.small import MICROSECOND, linear_server
from wva.engine.build import build_server
from wva.engine.engine_time import decode_step_s, prefill_s, prompt_s
from wva.engine.server import Server, StepTime
from wva.fleet.catalogue import accelerator, model_shape

GPT_OSS = build_server(model_shape("gpt-oss-120b"), accelerator("H200"), 1, "fp4")
LLAMA = build_server(model_shape("Llama-3.1-8B-Instruct"), accelerator("A100-80GB"))


@pytest.mark.parametrize(
    ("tokens", "batch", "milliseconds"),
    [
        (1000, 0, 10 + 10),
        (4000, 0, 10 + 40),
        (4001, 0, 20 + 40.01),
        (1000, 1, 10),
        (1000, 1000, 10),
        (3001, 1000, 30.01),
    ],
)
def test_a_prompt_by_hand(tokens: int, batch: int, milliseconds: float) -> None:
    assert prompt_s(linear_server(), tokens, 0, batch) == pytest.approx(milliseconds / 1e3)


def test_prompts_side_by_side_share_what_a_step_costs_anyway() -> None:
    """Three prompts of 1,000 tokens on an empty engine take one step of 40 ms between them."""
    assert prompt_s(linear_server(), 1000, 0, 0, together=3.0) == pytest.approx(40e-3 / 3)
    assert prompt_s(linear_server(), 1000, 0, 0, together=8.0) == pytest.approx(100e-3 / 8)


def test_decode_by_hand() -> None:
    server = linear_server(kv_token_ps=MICROSECOND)
    assert decode_step_s(server, 20, 1500.0) == pytest.approx(10e-3 + 20 * 10e-6 + 20 * 1500 * 1e-6)


def reference_prompt_ps(server: Server, tokens: int, cached: int, batch: int) -> int:
    """The definition of ``StepTime``, chunk by chunk, with the decoding sequences and without them."""
    step: StepTime = server.step
    total, before, left = 0, cached, tokens
    while left:
        chunk = min(left, max(1, server.max_num_batched_tokens - batch))
        scheduled = min(chunk + batch, server.max_num_batched_tokens)
        total += int(step.tokens_ps[scheduled]) - (int(step.tokens_ps[batch]) if batch else 0)
        total += step.sequence_ps + step.kv_token_ps * before + step.window_token_ps * min(before, server.window)
        total += step.attention_pair_ps * (chunk * before + chunk * (chunk + 1) // 2)
        before, left = before + chunk, left - chunk
    return total


@given(
    st.sampled_from([GPT_OSS, LLAMA]),
    st.integers(1, 30_000),
    st.one_of(st.just(0), st.integers(2048, 20_000)),
    st.integers(0, 256),
)
def test_a_prompt_costs_what_its_chunks_cost(server: Server, tokens: int, cached: int, batch: int) -> None:
    expected = reference_prompt_ps(server, tokens, cached, batch) / 1e12
    assert prompt_s(server, tokens, cached, batch) == pytest.approx(expected, rel=1e-9)


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_longer_prompts_take_longer(tokens: int, more: int) -> None:
    assert prefill_s(LLAMA, tokens + more) > prefill_s(LLAMA, tokens)


@given(st.integers(1, 255), st.floats(1.0, 50_000.0), st.floats(1.0, 10_000.0))
def test_larger_batches_and_contexts_take_longer(batch: int, context: float, more: float) -> None:
    now = decode_step_s(GPT_OSS, batch, context)
    assert decode_step_s(GPT_OSS, batch + 1, context) > now
    assert decode_step_s(GPT_OSS, batch, context + more) > now


def test_window_layers_stop_growing_at_their_window() -> None:
    step = replace(LLAMA.step, kv_token_ps=0, window_token_ps=100)
    server = replace(LLAMA, step=step, window=128, window_blocks=9)
    assert decode_step_s(server, 8, 128.0) == decode_step_s(server, 8, 5000.0) > decode_step_s(server, 8, 100.0)
    assert np.isfinite(prompt_s(server, 5000, 300, 8))

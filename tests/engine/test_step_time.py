from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.small import EXPERTS, GPU, SHAPE, WINDOWS
from wva.engine.step_time import compute_flops, experts_touched, step_time
from wva.fleet.accelerator import Accelerator
from wva.fleet.catalogue import accelerator, accelerators, model_shape, packaged_models
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

shapes = st.sampled_from(sorted(packaged_models().values(), key=lambda shape: shape.name))
gpus = st.sampled_from(sorted(accelerators().values(), key=lambda gpu: gpu.name))
precisions = st.sampled_from(["bf16", "fp8", "fp4"])
parallelisms = st.sampled_from([1, 2, 4, 8])


def test_a_step_by_hand() -> None:
    step = step_time(SHAPE, GPU, 1, "bf16", 100)
    read_us = 14e6 / (0.78 * 0.72e6)
    gemm_us = 2 ** (2 / 3) * read_us
    elementwise_us = 100 * 2 * (8000 + 2000 + 6000 + 3000) / (0.5 * 0.72e6)
    output_us = 2e6 / (0.78 * 0.72e6)
    assert step.tokens_ps[100] / 1e6 == pytest.approx(gemm_us + elementwise_us + output_us + 1000 + 18)
    assert step.tokens_ps[100] / 1e6 == pytest.approx(1071.689, abs=1e-3)
    assert step.sequence_ps / 1e6 == pytest.approx(20 + 2e6 / (0.72 * 78e6), abs=1e-6)
    assert step.kv_token_ps == pytest.approx(4000 / (0.7 * 0.72), abs=1)
    assert step.attention_pair_ps == pytest.approx(4000 / (0.5 * 78), abs=1)
    assert step.window_token_ps == 0


def test_two_gpus_halve_the_work_and_add_two_all_reduces_a_layer() -> None:
    step = step_time(SHAPE, GPU, 2, "bf16", 100)
    gemm_us = 2 ** (2 / 3) * 7e6 / (0.78 * 0.72e6)
    elementwise_us = 100 * 2 * (8000 + 11000 / 2) / (0.5 * 0.72e6)
    output_us = 1e6 / (0.78 * 0.72e6)
    all_reduces_us = 2 * (6 + 100 * 2000 / (0.85 * 100e3))
    expected = gemm_us + elementwise_us + output_us + all_reduces_us + 1018
    assert step.tokens_ps[100] / 1e6 == pytest.approx(expected)
    assert step.kv_token_ps == pytest.approx(2000 / (0.7 * 0.72), abs=1)


def test_eight_gpus_cannot_split_fewer_heads() -> None:
    shape = replace(SHAPE, attention_heads=16, kv_heads=2)
    by_two = step_time(shape, GPU, 2, "bf16", 10)
    by_eight = step_time(shape, GPU, 8, "bf16", 10)
    assert by_two.kv_token_ps == by_eight.kv_token_ps


@pytest.mark.parametrize(("tokens", "experts"), [(0, 0.0), (1, 2.0), (4, 8 * (1 - 0.75**4)), (1000, 8.0)])
def test_experts_touched(tokens: int, experts: float) -> None:
    assert experts_touched(EXPERTS, np.array([float(tokens)]))[0] == pytest.approx(experts)


def test_one_token_reads_only_its_experts() -> None:
    dense = step_time(SHAPE, GPU, 1, "bf16", 10)
    experts = step_time(EXPERTS, GPU, 1, "bf16", 10)
    added_us = (experts.tokens_ps[1] - dense.tokens_ps[1]) / 1e6
    read_us = 2 * 3e6 / (0.78 * 0.72e6)
    assert added_us == pytest.approx(read_us + 10, rel=0.02)


def test_window_layers_read_at_most_their_window() -> None:
    step = step_time(WINDOWS, GPU, 1, "bf16", 10)
    assert step.window_token_ps == step.kv_token_ps == step_time(SHAPE, GPU, 1, "bf16", 10).kv_token_ps
    assert step.attention_pair_ps == step_time(SHAPE, GPU, 1, "bf16", 10).attention_pair_ps


def test_fp8_keys_and_values_take_half_as_long_to_read() -> None:
    whole = step_time(SHAPE, GPU, 1, "fp8", 10)
    half = step_time(SHAPE, GPU, 1, "fp8", 10, kv_precision="fp8")
    assert half.kv_token_ps == pytest.approx(whole.kv_token_ps / 2, abs=1)
    assert np.array_equal(half.tokens_ps, whole.tokens_ps)


def test_fp8_on_a_gpu_without_it_shrinks_the_weights_only() -> None:
    a100 = accelerator("A100-80GB")
    assert compute_flops(a100, "fp8") == 312e12
    shape = model_shape("Llama-3.1-8B-Instruct")
    bf16, fp8 = (step_time(shape, a100, 1, precision, 2048) for precision in ("bf16", "fp8"))
    assert fp8.tokens_ps[1] < 0.65 * bf16.tokens_ps[1]
    assert fp8.tokens_ps[2048] == pytest.approx(bf16.tokens_ps[2048], rel=0.05)


@pytest.mark.parametrize("parallelism", [0, -1, 3])
def test_parallelism_must_divide_the_heads(parallelism: int) -> None:
    with pytest.raises(UserError, match="does not divide its 10 attention heads"):
        step_time(SHAPE, GPU, parallelism, "bf16", 10)


@pytest.mark.parametrize("milliseconds", [9.7, 11.9])
def test_one_sequence_of_8b_on_a100_lies_near_what_others_say(milliseconds: float) -> None:
    """Vidur's kernels alone take 9.7 ms; aiconfigurator estimates 11.9 ms for a whole step."""
    step = step_time(model_shape("Llama-3.1-8B-Instruct"), accelerator("A100-80GB"), 1, "bf16", 1)
    assert (step.tokens_ps[1] + step.sequence_ps) / 1e9 == pytest.approx(milliseconds, rel=0.15)


def test_prefill_speed_of_the_published_reference() -> None:
    """llm-d's token-aware guide measures 15,928 prompt tokens/s for Qwen3-32B on two H100."""
    step = step_time(model_shape("Qwen3-32B"), accelerator("H100-80GB"), 2, "bf16", 8192)
    tokens = 4096
    seconds = (step.tokens_ps[tokens] + step.attention_pair_ps * tokens * (tokens + 1) // 2) / 1e12
    assert tokens / seconds == pytest.approx(15_928, rel=0.1)


@given(shapes, gpus, precisions, parallelisms)
def test_time_grows_with_tokens(shape: ModelShape, gpu: Accelerator, precision: str, parallelism: int) -> None:
    step = step_time(shape, gpu, parallelism, precision, 512)
    assert np.all(np.diff(step.tokens_ps) >= 0)
    assert step.tokens_ps[0] > 0
    assert min(step.sequence_ps, step.kv_token_ps, step.attention_pair_ps) > 0
    assert (step.window_token_ps > 0) == (shape.window_layers > 0)


@given(shapes, gpus, precisions, parallelisms, st.floats(1.0, 4.0))
def test_more_bandwidth_is_never_slower(
    shape: ModelShape, gpu: Accelerator, precision: str, parallelism: int, factor: float
) -> None:
    faster_gpu = replace(gpu, memory_bandwidth=factor * gpu.memory_bandwidth)
    step = step_time(shape, gpu, parallelism, precision, 256)
    faster = step_time(shape, faster_gpu, parallelism, precision, 256)
    assert np.all(faster.tokens_ps <= step.tokens_ps)
    assert faster.kv_token_ps <= step.kv_token_ps


@given(shapes, st.sampled_from(["A100-80GB", "H100-80GB", "H200", "B200"]), precisions, st.sampled_from([1, 2, 4]))
def test_more_gpus_are_never_slower_for_a_full_step(
    shape: ModelShape, gpu: str, precision: str, parallelism: int
) -> None:
    fewer = step_time(shape, accelerator(gpu), parallelism, precision, 8192)
    more = step_time(shape, accelerator(gpu), 2 * parallelism, precision, 8192)
    assert more.tokens_ps[8192] <= fewer.tokens_ps[8192]
    assert more.kv_token_ps <= fewer.kv_token_ps


@given(shapes, gpus, parallelisms)
def test_fewer_bits_are_never_slower(shape: ModelShape, gpu: Accelerator, parallelism: int) -> None:
    bf16, fp8, fp4 = (step_time(shape, gpu, parallelism, precision, 256) for precision in ("bf16", "fp8", "fp4"))
    assert np.all(fp8.tokens_ps <= bf16.tokens_ps)
    assert np.all(fp4.tokens_ps[:64] <= fp8.tokens_ps[:64])

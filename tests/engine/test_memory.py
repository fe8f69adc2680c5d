from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.plain import plain
from tests.engine.small import GPU, SHAPE, WINDOWS
from wva.engine.batch.memory import blocks_of
from wva.engine.limits import Limits
from wva.engine.memory import block_bytes, kv_blocks, longest_sequence, window_blocks
from wva.fleet.catalogue import accelerator, accelerators, model_shape, packaged_models
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

sequence_blocks = plain(blocks_of)

LIMITS = Limits(max_num_seqs=4, max_num_batched_tokens=100)
SERVER_LIMITS = Limits(max_num_seqs=1024, max_num_batched_tokens=8192)


def test_blocks_by_hand() -> None:
    weights, layer, logits, reserve = 18_000_000, 2 * 100 * 7000, 30 * 4 * 1000, 1_500_000_000
    free = 9_200_000_000 - weights - layer - logits - reserve
    assert kv_blocks(SHAPE, GPU, 1, "bf16", LIMITS) == free // (16 * 4000) - 1 == 120_006
    assert kv_blocks(SHAPE, GPU, 1, "bf16", LIMITS, kv_precision="fp8") == free // (16 * 2000) - 1


def test_a_larger_part_of_the_memory_leaves_more_for_the_cache() -> None:
    # 0.95 instead of 0.92 of 10 GB is 0.3 GB more: 4,687.5 blocks of 16 x 4,000 bytes on top of 120,007.5.
    assert kv_blocks(SHAPE, GPU, 1, "bf16", LIMITS, memory_utilization=0.95) == 124_694
    assert kv_blocks(SHAPE, GPU, 1, "bf16", LIMITS, memory_utilization=0.92) == 120_006


def test_a_block_of_llama_8b_holds_128_kib_a_token() -> None:
    assert block_bytes(model_shape("Llama-3.1-8B-Instruct"), 1, "bf16") == 16 * 131072
    assert block_bytes(model_shape("Llama-3.1-8B-Instruct"), 4, "bf16") == 4 * 131072
    assert block_bytes(model_shape("Qwen3-32B"), 1, "bf16") == 16 * 262144


def test_a_block_of_gpt_oss_holds_one_of_two_groups_of_layers() -> None:
    shape = model_shape("gpt-oss-120b")
    assert block_bytes(shape, 1, "bf16") == 16 * 36864
    assert window_blocks(shape) == 9


@pytest.mark.parametrize(
    ("tokens", "windowed", "plain"), [(1, 2, 1), (16, 2, 1), (17, 4, 2), (144, 18, 9), (145, 19, 10), (1000, 72, 63)]
)
def test_blocks_of_a_sequence(tokens: int, windowed: int, plain: int) -> None:
    assert sequence_blocks(tokens, window_blocks(WINDOWS)) == windowed
    assert sequence_blocks(tokens, 0) == plain


@given(st.integers(2, 100_000), st.integers(0, 500))
def test_the_longest_sequence_is_the_longest(blocks: int, most_window_blocks: int) -> None:
    tokens = longest_sequence(blocks, most_window_blocks)
    assert sequence_blocks(tokens, most_window_blocks) <= blocks
    assert sequence_blocks(tokens + 1, most_window_blocks) > blocks


def test_a_model_that_does_not_fit() -> None:
    message = (
        r"Llama-3.1-70B-Instruct in bf16 \(141 GB of weights\) does not fit 1 x H100-80GB \(86 GB\); "
        "use more GPUs or a lower precision"
    )
    with pytest.raises(UserError, match=message):
        kv_blocks(model_shape("Llama-3.1-70B-Instruct"), accelerator("H100-80GB"), 1, "bf16", SERVER_LIMITS)


def test_windows_in_another_part_of_the_layers_are_not_covered() -> None:
    with pytest.raises(UserError, match="2 of 6 layers have a sliding window"):
        kv_blocks(replace(WINDOWS, layers=6, window_layers=2), GPU, 1, "bf16", LIMITS)


@pytest.mark.parametrize(
    ("model", "gpu", "gpus", "thousand_tokens"),
    [
        ("Llama-3.1-8B-Instruct", "H100-80GB", 1, 430),
        ("Llama-3.1-8B-Instruct", "L4", 1, 28),
        ("Qwen3-32B", "H100-80GB", 2, 305),
    ],
)
def test_known_servers(model: str, gpu: str, gpus: int, thousand_tokens: int) -> None:
    limits = SERVER_LIMITS if gpu != "L4" else Limits(256, 2048)
    tokens = 16 * kv_blocks(model_shape(model), accelerator(gpu), gpus, "bf16", limits)
    assert tokens / 1000 == pytest.approx(thousand_tokens, rel=0.1)


@given(
    st.sampled_from(sorted(packaged_models().values(), key=lambda shape: shape.name)),
    st.sampled_from(sorted(accelerators())),
    st.integers(1, 4),
)
def test_more_weights_leave_fewer_blocks(shape: ModelShape, gpu: str, more: int) -> None:
    heavier = replace(shape, intermediate_size=shape.intermediate_size + 256 * more)

    def blocks(of: ModelShape, precision: str) -> int:
        try:
            return kv_blocks(of, accelerator(gpu), 8, precision, SERVER_LIMITS)
        except UserError:
            return 0

    assert blocks(heavier, "bf16") <= blocks(shape, "bf16")
    assert blocks(shape, "bf16") <= blocks(shape, "fp8") <= blocks(shape, "fp4")

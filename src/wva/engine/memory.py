"""How many blocks of KV cache fit beside a model's weights, as vLLM profiles it at start.

One GPU keeps ``utilization x memory - weights - activation peak - reserve`` bytes for the cache. Where some layers have
a sliding window, vLLM makes the layers into groups of equal size that share one pool of blocks of equal size, so a
token of a sequence takes a place in one block of every group, and a window group gives back what left its window.
"""

import math

from wva.engine.limits import Limits
from wva.engine.server import BLOCK_TOKENS
from wva.engine.step_time import kv_bytes_per_token_layer
from wva.engine.weights import BF16_BYTES, model_bytes
from wva.fleet.accelerator import Accelerator
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

GPU_MEMORY_UTILIZATION = 0.92
"""Part of a GPU's memory that the engine may use: vLLM 0.32's default."""

RESERVE_BYTES = 1.5e9
"""CUDA context, communication buffers and captured graphs of one GPU."""

SAMPLER_BYTES_PER_LOGIT = 30
"""Profiling samples every slot of the batch at once with top-k and top-p: bf16 and float32 logits, their sorted copy,
64-bit indices, and the sort's own buffers. For gpt-oss-120b (1,024 slots) that makes the 7.4 to 7.5 GiB beside the
weights that vLLM's issues 23278 and 27508 report on one H100."""

_NULL_BLOCKS = 1
"""vLLM keeps one block that no sequence may hold."""


def kv_blocks(
    shape: ModelShape,
    accelerator: Accelerator,
    tensor_parallel: int,
    precision: str,
    limits: Limits,
    kv_precision: str = "bf16",
    memory_utilization: float | None = None,
) -> int:
    """Usable blocks of the KV cache of one server; ``memory_utilization`` is vLLM's default where it is ``None``.

    Raises ``UserError`` when the weights and one sequence do not fit, or the layers cannot be grouped.
    """
    free = cache_bytes(shape, accelerator, tensor_parallel, precision, limits, memory_utilization)
    block = block_bytes(shape, tensor_parallel, kv_precision)
    blocks = math.floor(free / block) - _NULL_BLOCKS
    if blocks < 1:
        raise UserError(_does_not_fit(shape, accelerator, tensor_parallel, precision))
    return blocks


def cache_bytes(
    shape: ModelShape,
    accelerator: Accelerator,
    tensor_parallel: int,
    precision: str,
    limits: Limits,
    memory_utilization: float | None = None,
) -> float:
    """Bytes of one GPU that are left for the KV cache; negative when the model does not fit."""
    utilization = GPU_MEMORY_UTILIZATION if memory_utilization is None else memory_utilization
    usable = utilization * accelerator.memory_bytes
    weights = model_bytes(shape, precision) / tensor_parallel
    return usable - weights - activation_bytes(shape, tensor_parallel, limits) - RESERVE_BYTES


def activation_bytes(shape: ModelShape, tensor_parallel: int, limits: Limits) -> float:
    """Peak of activations on one GPU: a full step's widest layer, and the logits of a full batch."""
    visits = max(shape.experts_per_token, 1)
    shuffled = 2 * visits * shape.hidden_size if shape.experts else 0
    numbers_per_token = 4 * shape.hidden_size + shuffled + 3 * visits * shape.intermediate_size / tensor_parallel
    layer = BF16_BYTES * limits.max_num_batched_tokens * numbers_per_token
    logits = SAMPLER_BYTES_PER_LOGIT * limits.max_num_seqs * shape.vocabulary
    return layer + logits


def layers_per_group(shape: ModelShape) -> int:
    """Layers whose keys and values one block holds: all of them, or those of one group of a hybrid model.

    Raises ``UserError`` when window layers and full layers are not equally many, which the engine model does not
    cover.
    """
    if not shape.window_layers:
        return shape.layers
    if 2 * shape.window_layers != shape.layers:
        raise UserError(
            f"{shape.name}: {shape.window_layers} of {shape.layers} layers have a sliding window; only half or "
            "none is covered"
        )
    return shape.window_layers


def block_bytes(shape: ModelShape, tensor_parallel: int, kv_precision: str) -> float:
    """Bytes of one block on one GPU."""
    token_layer = kv_bytes_per_token_layer(shape, tensor_parallel, kv_precision)
    return BLOCK_TOKENS * layers_per_group(shape) * token_layer


def window_blocks(shape: ModelShape) -> int:
    """Blocks that the window group holds at most for one sequence: a window that starts anywhere in a block."""
    if not shape.window_layers:
        return 0
    return math.ceil((shape.window - 1) / BLOCK_TOKENS) + 1


def longest_sequence(blocks: int, most_window_blocks: int) -> int:
    """Tokens of the longest sequence that so many blocks hold."""
    if blocks <= 2 * most_window_blocks:
        return blocks // 2 * BLOCK_TOKENS
    return (blocks - most_window_blocks) * BLOCK_TOKENS


def _does_not_fit(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int, precision: str) -> str:
    gigabytes = model_bytes(shape, precision) / 1e9
    return (
        f"{shape.name} in {precision} ({gigabytes:.0f} GB of weights) does not fit {tensor_parallel} x "
        f"{accelerator.name} ({tensor_parallel * accelerator.memory_bytes / 1e9:.0f} GB)"
        "; use more GPUs or a lower precision"
    )

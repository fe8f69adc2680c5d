"""How long one engine step takes: a roofline with measured efficiencies and overheads.

A step's matrix products take, on every GPU, the smooth maximum of the time to read the weights (W bytes) and the time
to compute (C FLOPs), ``((W / (0.78 bandwidth))^1.5 + (C / (0.72 peak))^1.5)^(2/3)``. To that come element-wise
kernels, all-reduces of tensor parallelism, launches of every layer, scheduling and sampling, and attention.

Every constant is shared by all models and all GPUs. Those of matrix products come from kernel profiles; those named
"chosen" are round numbers near published figures, picked while looking at the measured H100 and H200 rows that
``wva.engine.check`` reads. Changing any one of them by a quarter keeps the median error there between 5 and 8 %.
"""

import math

import numpy as np
from numpy.typing import NDArray

from wva.engine.server import StepTime
from wva.engine.weights import (
    BF16_BYTES,
    attention_parameters,
    attention_weight_bytes,
    embedding_parameters,
    feed_forward_parameters,
    weight_bytes,
)
from wva.fleet.accelerator import Accelerator
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

GEMM_BANDWIDTH_EFFICIENCY = 0.78
"""Part of peak memory bandwidth that weight-bound matrix products reach: Vidur's profiles of A100, H100 and A40."""

GEMM_COMPUTE_EFFICIENCY = 0.72
"""Part of peak FLOP/s that compute-bound matrix products reach: the same 1,938 profiled points."""

GEMM_KNEE = 1.5
"""Exponent that joins the two regimes; 1.5 has the least error over those points, 4.5 % (a plain maximum 6 to 16 %)."""

ELEMENTWISE_BANDWIDTH_EFFICIENCY = 0.5
"""Part of peak bandwidth that norms, rotary embeddings and activations reach, so that they add the 8 to 18 % to the
matrix products that Vidur's profiles show."""

KV_BANDWIDTH_EFFICIENCY = 0.7
"""Part of peak bandwidth at which decode attention reads keys and values. Chosen; BLIS's trained model finds 0.51."""

ATTENTION_COMPUTE_EFFICIENCY = 0.5
"""Part of peak bf16 FLOP/s that causal prefill attention reaches. Chosen; FlashAttention 2 and 3 report 0.5 to 0.75."""

ALL_REDUCE_LATENCY_S = 6e-6
"""Start-up of one all-reduce for every doubling of the GPUs it spans. Chosen; 12 us an all-reduce is usual."""

ALL_REDUCE_BANDWIDTH_EFFICIENCY = 0.85
"""Part of the interconnect's one-way bandwidth that a large all-reduce reaches. Chosen, as NCCL's own tests report."""

ALL_REDUCES_PER_LAYER = 2
"""Tensor parallelism sums partial results after attention and after the feed-forward block."""

LAYER_OVERHEAD_S = 18e-6
"""Kernel launches and gaps of one layer. Chosen between the 12 and 24 us that published rooflines of vLLM use."""

EXPERT_ROUTING_OVERHEAD_S = 10e-6
"""Router, token shuffling and grouped launches that a layer of experts adds. Chosen."""

SEQUENCE_OVERHEAD_S = 20e-6
"""Scheduling, sampling and detokenising one sequence. Chosen between 10 and 25 us."""

STEP_OVERHEAD_S = 1e-3
"""What a step costs however small it is: scheduling, preparing inputs, returning tokens. Chosen."""

_PICOSECONDS = 1e12


def step_time(
    shape: ModelShape,
    accelerator: Accelerator,
    tensor_parallel: int,
    precision: str,
    max_num_batched_tokens: int,
    kv_precision: str = "bf16",
) -> StepTime:
    """The step time of a model on ``tensor_parallel`` GPUs.

    A precision that the GPU cannot compute in (fp8 on an A100, fp4 before Blackwell) shrinks the weights only; the
    arithmetic is bf16.

    Raises ``UserError`` when a precision is unknown or the parallelism does not divide the attention heads.
    """
    check_parallelism(shape, tensor_parallel)
    tokens = np.arange(max_num_batched_tokens + 1, dtype=np.float64)
    seconds = (
        _gemm_s(shape, accelerator, tensor_parallel, precision, tokens)
        + _elementwise_s(shape, accelerator, tensor_parallel, tokens)
        + _all_reduce_s(shape, accelerator, tensor_parallel, tokens)
        + _window_attention_s(shape, accelerator, tensor_parallel) * tokens
        + _output_layer_s(shape, accelerator, tensor_parallel)
        + _launches_s(shape)
    )
    full_layers = shape.layers - shape.window_layers
    kv_token_s = _kv_token_layer_s(shape, accelerator, tensor_parallel, kv_precision)
    pair_s = _attention_pair_layer_s(shape, accelerator, tensor_parallel)
    return StepTime(
        tokens_ps=np.rint(seconds * _PICOSECONDS).astype(np.int64),
        sequence_ps=round(_sequence_s(shape, accelerator, tensor_parallel) * _PICOSECONDS),
        kv_token_ps=round(kv_token_s * full_layers * _PICOSECONDS),
        window_token_ps=round(kv_token_s * shape.window_layers * _PICOSECONDS),
        attention_pair_ps=round(pair_s * full_layers * _PICOSECONDS),
        # Rounded down: no step may be saturated for longer than it takes.
        product_token_ps=int(_product_token_s(shape, accelerator, tensor_parallel, precision) * _PICOSECONDS),
        output_row_ps=int(_output_row_s(shape, accelerator, tensor_parallel) * _PICOSECONDS),
    )


def check_parallelism(shape: ModelShape, tensor_parallel: int) -> None:
    """Refuse a tensor parallelism that cannot split the attention heads evenly.

    Raises ``UserError`` when it is below 1 or does not divide the heads.
    """
    if tensor_parallel < 1 or shape.attention_heads % tensor_parallel:
        raise UserError(
            f"{shape.name}: tensor parallelism {tensor_parallel} does not divide its "
            f"{shape.attention_heads} attention heads"
        )


def compute_flops(accelerator: Accelerator, precision: str) -> float:
    """Peak FLOP/s of matrix products whose weights have that precision; bf16's where the GPU lacks it."""
    return accelerator.flops.get(precision, accelerator.flops["bf16"])


def kv_heads_per_gpu(shape: ModelShape, tensor_parallel: int) -> int:
    """Key-value heads that one GPU holds; above one GPU a head they are replicated."""
    return max(1, -(-shape.kv_heads // tensor_parallel))


def kv_bytes_per_token_layer(shape: ModelShape, tensor_parallel: int, kv_precision: str) -> float:
    """Bytes of one token's key and value in one layer on one GPU."""
    return 2 * kv_heads_per_gpu(shape, tensor_parallel) * shape.head_size * weight_bytes(kv_precision)


def experts_touched(shape: ModelShape, tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    """Experts of a layer that so many tokens visit, ``N (1 - (1 - k / N)^tokens)`` when they choose evenly."""
    return shape.experts * (1.0 - (1.0 - shape.experts_per_token / shape.experts) ** tokens)


def _gemm_s(
    shape: ModelShape, accelerator: Accelerator, tensor_parallel: int, precision: str, tokens: NDArray[np.float64]
) -> NDArray[np.float64]:
    attention = attention_parameters(shape) * shape.layers / tensor_parallel
    attention_precision = precision if shape.quantized_attention else "bf16"
    attention_s = _smooth_maximum(
        attention * attention_weight_bytes(shape, precision),
        2.0 * attention * tokens,
        accelerator.memory_bandwidth,
        compute_flops(accelerator, attention_precision),
    )
    block = feed_forward_parameters(shape) * shape.layers / tensor_parallel
    read = experts_touched(shape, tokens) if shape.experts else np.ones_like(tokens)
    feed_forward_s = _smooth_maximum(
        block * weight_bytes(precision) * read,
        2.0 * block * max(shape.experts_per_token, 1) * tokens,
        accelerator.memory_bandwidth,
        compute_flops(accelerator, precision),
    )
    return attention_s + feed_forward_s


def _smooth_maximum(
    read_bytes: float | NDArray[np.float64], flops: NDArray[np.float64], bandwidth: float, peak: float
) -> NDArray[np.float64]:
    memory_s = read_bytes / (GEMM_BANDWIDTH_EFFICIENCY * bandwidth)
    compute_s = flops / (GEMM_COMPUTE_EFFICIENCY * peak)
    return (memory_s**GEMM_KNEE + compute_s**GEMM_KNEE) ** (1.0 / GEMM_KNEE)


def _product_token_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int, precision: str) -> float:
    """One token's matrix products in a step that is bound by them, and its attention in the window layers."""
    attention_precision = precision if shape.quantized_attention else "bf16"
    attention = attention_parameters(shape) / compute_flops(accelerator, attention_precision)
    experts = max(shape.experts_per_token, 1)
    feed_forward = feed_forward_parameters(shape) * experts / compute_flops(accelerator, precision)
    products_s = 2.0 * (attention + feed_forward) * shape.layers / tensor_parallel / GEMM_COMPUTE_EFFICIENCY
    return products_s + _window_attention_s(shape, accelerator, tensor_parallel)


def _elementwise_s(
    shape: ModelShape, accelerator: Accelerator, tensor_parallel: int, tokens: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bytes that the kernels between matrix products move: residual and norm twice, rotary, gate, expert shuffling."""
    queries = shape.attention_heads * shape.head_size
    keys = shape.kv_heads * shape.head_size
    visits = max(shape.experts_per_token, 1)
    residual_and_norm = 8 * shape.hidden_size
    rotary_and_cache = 2 * queries + 6 * keys
    gate = 3 * visits * shape.intermediate_size
    shuffle = 3 * visits * shape.hidden_size if shape.experts else 0
    numbers = residual_and_norm + shuffle + (rotary_and_cache + gate) / tensor_parallel
    bytes_per_token = BF16_BYTES * numbers * shape.layers
    return tokens * bytes_per_token / (ELEMENTWISE_BANDWIDTH_EFFICIENCY * accelerator.memory_bandwidth)


def _all_reduce_s(
    shape: ModelShape, accelerator: Accelerator, tensor_parallel: int, tokens: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Two ring all-reduces a layer, each moving ``2 (n - 1) / n`` of the hidden states over every link."""
    if tensor_parallel == 1:
        return np.zeros_like(tokens)
    ring = 2.0 * (tensor_parallel - 1) / tensor_parallel
    bandwidth = ALL_REDUCE_BANDWIDTH_EFFICIENCY * accelerator.interconnect_bandwidth
    transfer_s = ring * BF16_BYTES * shape.hidden_size * tokens / bandwidth
    latency_s = ALL_REDUCE_LATENCY_S * math.log2(tensor_parallel)
    return ALL_REDUCES_PER_LAYER * shape.layers * (latency_s + transfer_s)


def _launches_s(shape: ModelShape) -> float:
    """What a step costs whatever it computes."""
    layer_s = LAYER_OVERHEAD_S + (EXPERT_ROUTING_OVERHEAD_S if shape.experts else 0.0)
    return STEP_OVERHEAD_S + layer_s * shape.layers


def _output_layer_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int) -> float:
    """Reading the output layer, once a step; it stays in bf16."""
    read_bytes = embedding_parameters(shape) * BF16_BYTES / tensor_parallel
    return read_bytes / (GEMM_BANDWIDTH_EFFICIENCY * accelerator.memory_bandwidth)


def _sequence_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int) -> float:
    """One sequence's share of scheduling and sampling, and its row of the output layer."""
    return SEQUENCE_OVERHEAD_S + _output_row_s(shape, accelerator, tensor_parallel)


def _output_row_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int) -> float:
    flops = 2.0 * embedding_parameters(shape) / tensor_parallel
    return flops / (GEMM_COMPUTE_EFFICIENCY * accelerator.flops["bf16"])


def _kv_token_layer_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int, kv_precision: str) -> float:
    read_bytes = kv_bytes_per_token_layer(shape, tensor_parallel, kv_precision)
    return read_bytes / (KV_BANDWIDTH_EFFICIENCY * accelerator.memory_bandwidth)


def _attention_pair_layer_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int) -> float:
    """One query against one key in one layer: two products of ``2 heads x head size`` FLOPs."""
    flops = 4.0 * shape.attention_heads * shape.head_size / tensor_parallel
    return flops / (ATTENTION_COMPUTE_EFFICIENCY * accelerator.flops["bf16"])


def _window_attention_s(shape: ModelShape, accelerator: Accelerator, tensor_parallel: int) -> float:
    """Attention of one token in the window layers: a full window of keys, which short prompts overstate a little."""
    return _attention_pair_layer_s(shape, accelerator, tensor_parallel) * shape.window_layers * shape.window

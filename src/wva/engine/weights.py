"""Parameters of a transformer and the bytes they take at a precision."""

from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

WEIGHT_BYTES = {"bf16": 2.0, "fp8": 1.0, "fp4": 0.53125}
"""Bytes of one weight. fp4 is MXFP4: 4 bits and an 8-bit scale for every 32 weights."""

BF16_BYTES = 2.0
"""Bytes of one bf16 number: activations, embeddings, and the layers that quantisation leaves alone."""

_GATED_FEED_FORWARD_MATRICES = 3
"""Gate, up and down projection of a SwiGLU block."""


def attention_parameters(shape: ModelShape) -> int:
    """Weights of the query, key, value and output projections of one layer."""
    queries = shape.attention_heads * shape.head_size
    keys_and_values = 2 * shape.kv_heads * shape.head_size
    return shape.hidden_size * (2 * queries + keys_and_values)


def feed_forward_parameters(shape: ModelShape) -> int:
    """Weights of one gated feed-forward block, which is one expert in a mixture of experts."""
    return _GATED_FEED_FORWARD_MATRICES * shape.hidden_size * shape.intermediate_size


def embedding_parameters(shape: ModelShape) -> int:
    """Weights of one embedding table; the output layer is another of that size unless it is tied."""
    return shape.vocabulary * shape.hidden_size


def parameters(shape: ModelShape) -> int:
    """All matrices of the model; norms and biases, below a thousandth, are left out."""
    blocks = max(shape.experts, 1)
    router = shape.hidden_size * shape.experts
    layer = attention_parameters(shape) + blocks * feed_forward_parameters(shape) + router
    tables = 1 if shape.tied_embeddings else 2
    return shape.layers * layer + tables * embedding_parameters(shape)


def weight_bytes(precision: str) -> float:
    """Bytes of one quantised weight.

    Raises ``UserError`` when the precision is none of bf16, fp8 and fp4.
    """
    try:
        return WEIGHT_BYTES[precision]
    except KeyError:
        raise UserError(f"unknown precision {precision!r}; known: {', '.join(WEIGHT_BYTES)}") from None


def attention_weight_bytes(shape: ModelShape, precision: str) -> float:
    """Bytes of one weight of the attention projections, which some quantised checkpoints leave in bf16."""
    return weight_bytes(precision) if shape.quantized_attention else BF16_BYTES


def model_bytes(shape: ModelShape, precision: str) -> float:
    """Bytes of all weights; embeddings and output layer stay in bf16, as in published quantised checkpoints."""
    blocks = max(shape.experts, 1)
    attention = attention_parameters(shape) * attention_weight_bytes(shape, precision)
    feed_forward = blocks * feed_forward_parameters(shape) * weight_bytes(precision)
    router = shape.hidden_size * shape.experts * BF16_BYTES
    tables = 1 if shape.tied_embeddings else 2
    return shape.layers * (attention + feed_forward + router) + tables * embedding_parameters(shape) * BF16_BYTES

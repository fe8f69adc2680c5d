"""A model, a GPU and a server small enough to work out by hand."""

from dataclasses import replace

import numpy as np

from wva.engine.server import Server, StepTime
from wva.fleet.accelerator import Accelerator
from wva.fleet.shape import ModelShape

SHAPE = ModelShape(
    name="test/small",
    layers=1,
    hidden_size=1000,
    attention_heads=10,
    kv_heads=10,
    head_size=100,
    intermediate_size=1000,
    vocabulary=1000,
    tied_embeddings=False,
    max_model_len=100_000,
    experts=0,
    experts_per_token=0,
    window_layers=0,
    window=0,
    source="made up",
)
"""Attention has 4 M weights, feed-forward 3 M, each embedding table 1 M."""

EXPERTS = replace(SHAPE, experts=8, experts_per_token=2)

WINDOWS = replace(SHAPE, layers=2, window_layers=1, window=128)

GPU = Accelerator(
    name="test",
    memory_bytes=10_000_000_000,
    memory_bandwidth=0.72e12,
    flops={"bf16": 78e12, "fp8": 156e12},
    interconnect_bandwidth=100e9,
    power_limit_w=100.0,
    idle_power_w=10.0,
    context_power_w=10.0,
    source="made up",
)
"""At these rates a step of 100 tokens takes as long to read bf16 weights as to compute."""

MILLISECOND = 1_000_000_000
MICROSECOND = 1_000_000


def linear_server(
    *,
    kv_blocks: int = 1_000_000,
    max_num_seqs: int = 1000,
    max_num_batched_tokens: int = 4000,
    max_model_len: int = 1_000_000,
    kv_token_ps: int = 0,
) -> Server:
    """A step takes 10 ms and 10 us a token, so a prompt of 1,000 tokens adds 10 ms wherever it comes."""
    tokens = 10 * MILLISECOND + 10 * MICROSECOND * np.arange(max_num_batched_tokens + 1, dtype=np.int64)
    step = StepTime(tokens, sequence_ps=0, kv_token_ps=kv_token_ps, window_token_ps=0, attention_pair_ps=0)
    return Server(step, kv_blocks, 0, 0, max_num_seqs, max_num_batched_tokens, max_model_len)

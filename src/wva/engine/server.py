"""A model server reduced to the integers that continuous batching needs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.engine.power import ServerPower

BLOCK_TOKENS = 16
"""Tokens in one block of the KV cache, vLLM's default on GPUs."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """Duration of one engine step, in integer picoseconds, so that sums of steps are exact.

    A step that computes ``n`` tokens for ``s`` sequences takes::

        tokens_ps[n] + sequence_ps * s
        + kv_token_ps * (context of every decoding sequence + tokens before every prefill chunk)
        + window_token_ps * (the same, each capped at the sliding window)
        + attention_pair_ps * (query-key pairs of the prefill chunks)

    where a chunk of ``c`` tokens after ``b`` tokens has ``c * b + c * (c + 1) / 2`` pairs, and the context of a
    decoding sequence counts the token that the step computes.
    """

    tokens_ps: NDArray[np.int64]
    """Shape (max_num_batched_tokens + 1,): weights, matrix products, communication and fixed overhead."""
    sequence_ps: int
    """Scheduling and sampling of one sequence."""
    kv_token_ps: int
    """Reading one token's keys and values in the layers that attend to the whole context."""
    window_token_ps: int
    """Reading one token's keys and values in the sliding-window layers."""
    attention_pair_ps: int
    """Attention of one prefill query to one key in the layers that attend to the whole context."""
    product_token_ps: int = 0
    """What ``tokens_ps`` holds of one token's arithmetic, at the rate of compute-bound matrix products."""
    output_row_ps: int = 0
    """What ``sequence_ps`` holds of one sampled token's row of the output layer, at that rate."""


@dataclass(frozen=True, slots=True)
class Server:
    """One engine instance: its step time, its KV cache and its scheduler's limits."""

    step: StepTime
    kv_blocks: int
    """Usable blocks of 16 tokens.

    A sequence of ``t`` tokens holds ``b = ceil(t / 16)`` blocks, and in a model with sliding windows
    ``b + min(b, window_blocks)``.
    """
    window: int
    """Tokens of the sliding window; 0 when no layer has one."""
    window_blocks: int
    """Blocks that the window layers hold at most for one sequence; 0 without a window."""
    max_num_seqs: int
    """Sequences in one batch at most."""
    max_num_batched_tokens: int
    """Tokens in one step at most, decode and chunked prefill together."""
    max_model_len: int
    """Tokens of prompt and answer together at most."""
    power: ServerPower | None = None
    """What its GPUs draw; ``None`` is unknown."""

    @property
    def prompt_token_s(self) -> float:
        """Seconds that a token of a long prompt takes: a full step's time over its tokens."""
        return int(self.step.tokens_ps[-1]) / self.max_num_batched_tokens * 1e-12

    @property
    def longest_prompt(self) -> int:
        """Tokens of the longest prompt that fits the context and, as a whole, the KV cache."""
        # A sequence of b blocks holds min(b, window_blocks) more for the sliding windows.
        blocks = max(self.kv_blocks - self.window_blocks, self.kv_blocks // 2)
        return min(self.max_model_len - 1, blocks * BLOCK_TOKENS)

"""What the planner asks its performance model, in the manner of ``perf_model/engine_query.py``.

All answers are made of the time of one forward pass, in which prompts count as one request from its first token on.
Figures are numbers, or arrays of them for as many engines or batch sizes at once.
"""

from dataclasses import dataclass
from math import ceil
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wva.engine.server import BLOCK_TOKENS, Server

_MOST_CANDIDATES = 128
"""Batch sizes that a search tries at most."""
_MOST_HIT_RATE = 0.95
"""Part of a prompt that the prefix cache is believed to save at most."""
_PICOSECONDS = 1e12

Numbers: TypeAlias = NDArray[Any]
Number: TypeAlias = float | Numbers


@dataclass(frozen=True, slots=True)
class EngineCapacity:
    """The largest rate of one engine that was found for a kind of request."""

    rps: float
    """Requests per second."""
    ttft_s: float
    """Time to first token at that rate, in seconds."""
    itl_s: float
    """Time between tokens at that rate, in seconds."""
    eligible: bool
    """Whether both are within their objectives; where no rate keeps them, the largest of all is given."""


def discounted(tokens: Number, kv_hit_rate: float | None) -> Any:
    """The prompt tokens that are left to compute when part of them is in the prefix cache."""
    return tokens * (1.0 - min(_MOST_HIT_RATE, max(0.0, kv_hit_rate or 0.0)))


def max_kv_tokens(server: Server) -> int:
    """Tokens that the KV cache holds."""
    return server.kv_blocks * BLOCK_TOKENS


def forward_s(server: Server, prefill_tokens: Numbers, decode_requests: Numbers, decode_kv: Number) -> Numbers:
    """Seconds of a pass that computes so many prompt tokens and a token of so many requests that know ``decode_kv``."""
    step = server.step
    tokens = np.minimum(prefill_tokens + decode_requests, server.max_num_batched_tokens)
    sequences = decode_requests + np.sign(prefill_tokens)
    read = step.kv_token_ps * decode_kv + step.window_token_ps * np.minimum(decode_kv, server.window * decode_requests)
    pairs = prefill_tokens * (prefill_tokens + 1) / 2.0
    picoseconds = step.tokens_ps[tokens] + step.sequence_ps * sequences + read + step.attention_pair_ps * pairs
    return np.asarray(picoseconds / _PICOSECONDS)


def prefill_s(server: Server, tokens: Number, decode_requests: Number, decode_kv: Number) -> Numbers:
    """Seconds until so many prompt tokens are computed, in passes as full as may be, while others decode."""
    decoding = _up(decode_requests)
    full, rest = np.divmod(_up(tokens), server.max_num_batched_tokens)
    whole = full * forward_s(server, np.array(server.max_num_batched_tokens), decoding, decode_kv)
    return np.asarray(whole + np.sign(rest) * forward_s(server, rest, decoding, decode_kv))


def decode_s(server: Server, prefill_tokens: float, decode_requests: Number, decode_kv: Number) -> Numbers:
    """Seconds between tokens of requests that decode beside the prompts of a usual pass."""
    prefill = np.minimum(_up(prefill_tokens), server.max_num_batched_tokens)
    return forward_s(server, prefill, _up(decode_requests), decode_kv)


def find_engine_capacity(
    server: Server, isl: float, osl: float, kv_hit_rate: float | None, ttft_s: float, itl_s: float
) -> EngineCapacity | None:
    """The largest rate within the objectives over batch sizes that the engine can hold; ``None`` if it holds none.

    With ``B`` requests decoding, an answer of ``osl`` tokens takes ``osl`` passes, by Little's law ``B / (osl * itl)``
    requests end in a second, and as many prompts must be computed beside: ``B * isl / osl`` tokens in a pass.
    """
    if isl <= 0.0 or osl <= 0.0:
        return None
    prompt, answer = ceil(isl), ceil(osl)
    computed = max(1, ceil(discounted(prompt, kv_hit_rate)))
    context = prompt + answer // 2
    budget = server.max_num_batched_tokens
    batch = _batch_sizes(min(server.max_num_seqs, max_kv_tokens(server) // context, max(1, budget - 1)))
    prefill = -(-batch * computed // answer)
    # Beyond that prompts come faster than they can be computed.
    balanced = prefill <= budget - batch
    batch, prefill = batch[balanced], prefill[balanced]
    if not batch.size:
        return None
    kv = batch * context
    itl = forward_s(server, prefill, batch, kv)
    ttft = prefill_s(server, prefill + computed, batch, kv)
    rps = batch / (answer * itl)
    eligible = (ttft <= ttft_s) & (itl <= itl_s)
    best = int(np.argmax(np.where(eligible, rps, -1.0) if eligible.any() else rps))
    return EngineCapacity(float(rps[best]), float(ttft[best]), float(itl[best]), bool(eligible[best]))


def _batch_sizes(most: int) -> NDArray[np.int64]:
    """Every batch size up to the largest, or so many evenly from 1 to it."""
    if most <= _MOST_CANDIDATES:
        return np.arange(1, most + 1)
    return 1 + np.arange(_MOST_CANDIDATES) * (most - 1) // (_MOST_CANDIDATES - 1)


def _up(number: Number) -> NDArray[np.int64]:
    return np.ceil(number).astype(np.int64)

"""What one model server sustains while it keeps its objectives.

Prompts and decoding share one engine's time. With ``B`` sequences decoding, a step takes ``t(B)`` and a prompt adds
``p(B)``; an answer needs ``D`` steps after its first token. While an answer takes its ``D`` steps, ``B`` prompts come
in between, so its tokens come every ``t(B) + p(B) B / D`` seconds and, by Little's law, the engine serves
``1 / (p(B) + D t(B) / B)`` requests per second. Both rise with ``B`` (for answers of a few tokens the rate is flat at
the end, to 2 %): the largest batch that the objective, the KV cache and the slots allow gives the rate. Below one
sequence on average, a step costs what it costs for one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wva.engine.engine_time import decode_step_s, prefill_s, prompt_s
from wva.engine.mix import RequestMix
from wva.engine.server import BLOCK_TOKENS, Server
from wva.fleet.model import Objectives

ENGINE_TIME_SHARE = 0.95
"""Part of the engine's time spent on prompts from which a larger batch could not raise the rate noticeably."""


class Binding(StrEnum):
    """What keeps a server from serving more."""

    ENGINE_TIME = "engine time"
    KV_CACHE = "kv cache"
    SEQUENCES = "sequences"
    TPOT = "tpot"
    TTFT = "ttft"


@dataclass(frozen=True, slots=True)
class SteadyState:
    """A server under a constant load."""

    batch: float
    """Sequences that decode at once, on average."""
    tpot_s: float
    """Time per output token after the first, in seconds, prompts of others included."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one server sustains for a mix of requests."""

    requests_per_s: float
    """0 when the objectives cannot be met however small the load is."""
    batch: float
    """Sequences that decode at once at that rate, on average."""
    tpot_s: float
    """Time per output token at that rate, in seconds; of one sequence alone when the rate is 0."""
    ttft_s: float
    """Time to first token of a mean prompt on an empty server, in seconds; load adds queueing to it."""
    binding: Binding
    """What keeps the rate from being higher, before headroom."""
    kv_tokens: float
    """Tokens in the KV cache at that rate, on average."""


def sustainable(server: Server, mix: RequestMix, objectives: Objectives, headroom: float = 0.0) -> Capacity:
    """The largest rate at which the server keeps the objectives on average, less the part ``headroom`` of it."""
    ttft_s = prefill_s(server, mix.computed_tokens, mix.cached_tokens)
    if ttft_s > objectives.ttft_s:
        return _nothing(server, mix, ttft_s, Binding.TTFT)
    steps = mix.decode_steps
    if not steps:
        rate = (1.0 - headroom) / ttft_s
        return Capacity(rate, 0.0, 0.0, ttft_s, Binding.ENGINE_TIME, rate * ttft_s * mix.input_tokens)
    batch, binding = largest_batch(server, mix)
    if batch < 1:
        return _nothing(server, mix, ttft_s, binding)
    tpot = _tpot_of_batch(server, mix)
    tpot_s = _interpolate(tpot, batch)
    if tpot_s > objectives.tpot_s:
        batch, binding = _largest(batch, lambda whole: tpot(whole) - objectives.tpot_s), Binding.TPOT
        if batch <= 0.0:
            return _nothing(server, mix, ttft_s, binding)
        tpot_s = _interpolate(tpot, batch)
    rate = batch / (steps * tpot_s)
    if binding is not Binding.TPOT and _prompts_share(server, mix, rate, batch) > ENGINE_TIME_SHARE:
        binding = Binding.ENGINE_TIME
    if headroom:
        rate *= 1.0 - headroom
        batch = _largest(batch, lambda whole: whole - rate * steps * tpot(whole))
        tpot_s = _interpolate(tpot, batch)
    return Capacity(rate, batch, tpot_s, ttft_s, binding, batch * mix.mean_held)


def utilisation(server: Server, mix: RequestMix, requests_per_s: float) -> float:
    """Engine seconds per second that a load needs when the engine batches as much as memory and slots allow.

    From 1 upwards the queue grows without end; infinite when not even one such request fits.
    """
    if not mix.decode_steps:
        return requests_per_s * prefill_s(server, mix.computed_tokens, mix.cached_tokens)
    batch, _ = largest_batch(server, mix)
    return requests_per_s * mix.decode_steps * tpot_at(server, mix, batch) / batch if batch >= 1 else math.inf


def steady_state(server: Server, mix: RequestMix, requests_per_s: float) -> SteadyState | None:
    """Batch and time per output token that a constant load settles at; ``None`` when the server cannot keep up."""
    if utilisation(server, mix, requests_per_s) > 1.0:
        return None
    steps = mix.decode_steps
    if not steps:
        return SteadyState(0.0, 0.0)
    tpot = _tpot_of_batch(server, mix)
    most, _ = largest_batch(server, mix)
    batch = _largest(most, lambda whole: whole - requests_per_s * steps * tpot(whole))
    return SteadyState(batch, _interpolate(tpot, batch))


def largest_batch(server: Server, mix: RequestMix) -> tuple[float, Binding]:
    """Mean requests that decode at once at most, and whether slots or the KV cache say so; 0 if one does not fit.

    Sequences are half way through their answers on average. A shared prefix counts for each of them, because how many
    share one is not known.
    """
    if mix.input_tokens + mix.output_tokens > server.max_model_len:
        return 0.0, Binding.KV_CACHE
    blocks = (mix.mean_held + (BLOCK_TOKENS - 1) / 2) / BLOCK_TOKENS
    fitting = server.kv_blocks / (blocks + min(blocks, server.window_blocks))
    if fitting < server.max_num_seqs:
        return fitting, Binding.KV_CACHE
    return float(server.max_num_seqs), Binding.SEQUENCES


def tpot_at(server: Server, mix: RequestMix, batch: float) -> float:
    """Time per output token in seconds with so many sequences decoding, of a mix with more than one output token."""
    return _interpolate(_tpot_of_batch(server, mix), batch)


def _tpot_of_batch(server: Server, mix: RequestMix) -> Callable[[int], float]:
    context, computed, cached, steps = mix.mean_context, mix.computed_tokens, mix.cached_tokens, mix.decode_steps

    # Searches come back to the batches that they began with.
    known: dict[int, float] = {}

    def tpot(batch: int) -> float:
        found = known.get(batch)
        if found is None:
            decoding = batch or 1
            prompts_a_step = batch / steps
            prompts_s = prompts_a_step * prompt_s(server, computed, cached, decoding, max(1.0, prompts_a_step))
            found = known[batch] = decode_step_s(server, decoding, context) + prompts_s
        return found

    return tpot


def _prompts_share(server: Server, mix: RequestMix, rate: float, batch: float) -> float:
    whole = math.floor(batch)
    together = max(1.0, whole / mix.decode_steps)
    return rate * prompt_s(server, mix.computed_tokens, mix.cached_tokens, whole, together)


def _largest(most: float, rising: Callable[[int], float]) -> float:
    """The largest mean batch up to ``most`` at which a function that rises through 0 is not above 0; 0 if none is.

    Between whole batches the function is taken as a straight line. It is nearly one everywhere, so the search
    guesses on the chord, and every other time halves.
    """
    low, high = 0, math.ceil(most)
    at_low, at_high = rising(low), rising(high)
    if at_low > 0.0:
        return 0.0
    if at_high <= 0.0:
        return most
    halve = False
    while high - low > 1:
        chord = low + round((high - low) * at_low / (at_low - at_high))
        guess = (low + high) // 2 if halve else min(max(chord, low + 1), high - 1)
        halve = not halve
        at_guess = rising(guess)
        if at_guess <= 0.0:
            low, at_low = guess, at_guess
        else:
            high, at_high = guess, at_guess
    return min(most, low + at_low / (at_low - at_high))


def _interpolate(whole: Callable[[int], float], batch: float) -> float:
    low = int(batch)
    part, at_low = batch - low, whole(low)
    return at_low + part * (whole(low + 1) - at_low) if part else at_low


def _nothing(server: Server, mix: RequestMix, ttft_s: float, binding: Binding) -> Capacity:
    tpot_s = decode_step_s(server, 1, mix.mean_context) if mix.decode_steps else 0.0
    return Capacity(0.0, 0.0, tpot_s, ttft_s, binding, 0.0)

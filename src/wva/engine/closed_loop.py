"""What a closed loop of clients sees of one server: each sends its next request when its last is answered."""

from dataclasses import dataclass

from wva.engine.capacity import largest_batch
from wva.engine.engine_time import decode_step_s, prefill_s, prompt_s
from wva.engine.mix import RequestMix
from wva.engine.server import Server

FRONT_END_S = 15.6e-3
"""HTTP, tokenising and hand-over before a request reaches the engine: BLIS's trained model, H100 (alpha 0)."""

MOST_BUSY = 0.95
"""Part of the time spent on prompts of others beyond which the formula of an open queue no longer says anything."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Mean latencies of a request."""

    ttft_s: float
    """Time to first token, in seconds."""
    tpot_s: float
    """Time per output token after the first, in seconds."""


def closed_loop(server: Server, mix: RequestMix, clients: int) -> Latency:
    """The steady state of so many clients: all of them decode, or as many as the cache and the slots hold.

    Each answer is followed by a prompt that stalls the others, so tokens come every ``t(B) + p(B) (B - 1) / D``
    seconds (the terms are those of ``wva.engine.capacity``). A prompt waits for the step under way, for prompts of
    others with the wait of a queue with constant service times, and for a slot where there are more clients than fit.
    The first burst, when all clients start at once, is no part of this.
    """
    most, _ = largest_batch(server, mix)
    batch = max(1, min(clients, int(most)))
    others = batch - 1
    steps = max(mix.decode_steps, 1.0)
    step_s = decode_step_s(server, batch, mix.mean_context)
    others_prompt_s = prompt_s(server, mix.computed_tokens, mix.cached_tokens, batch, max(1.0, others / steps))
    own_prompt_s = prefill_s(server, mix.computed_tokens, mix.cached_tokens)
    tpot_s = step_s + others * others_prompt_s / steps
    request_s = own_prompt_s + steps * tpot_s
    busy = min(others * others_prompt_s / request_s, MOST_BUSY)
    queue_s = busy * others_prompt_s / (2.0 * (1.0 - busy))
    slot_s = max(0, clients - batch) / batch * request_s
    return Latency(ttft_s=FRONT_END_S + slot_s + step_s + queue_s + own_prompt_s, tpot_s=tpot_s)

"""What one server draws under a constant load."""

from wva.engine.engine_time import decode_step_s, prompt_s, saturated_s
from wva.engine.mix import RequestMix
from wva.engine.server import Server


def mean_power_w(server: Server, mix: RequestMix, requests_per_s: float, batch: float) -> float | None:
    """Mean power of a server's GPUs that serves so many requests, ``batch`` of them decoding at once on average.

    Both are those of a :class:`~wva.engine.capacity.Capacity`. ``None`` where the power is unknown.
    """
    if server.power is None:
        return None
    computed, cached, steps = mix.computed_tokens, mix.cached_tokens, mix.decode_steps
    decoding = max(1, round(batch)) if steps else 0
    # Below one sequence on average the engine is idle at times; from one upwards it always has a step to do.
    request_s = prompt_s(server, computed, cached, decoding)
    if steps:
        request_s += steps * decode_step_s(server, decoding, mix.mean_context) / decoding
    busy = 1.0 if batch >= 1 else min(1.0, requests_per_s * request_s)
    saturated = requests_per_s * saturated_s(server, computed, cached, steps, decoding, mix.mean_context)
    return server.power.standing_w + server.power.dynamic_j(busy, min(busy, saturated))

"""Seconds of engine time that decoding and prompts take, in plain floats for callers in a hurry.

Decode and chunked prefill share the tokens of a step. A step that decodes ``B`` sequences has room for
``max_num_batched_tokens - B`` tokens of prompts, and what a prompt costs is what it adds to the steps that decode
anyway: on an empty engine that is its whole prefill.
"""

from wva.engine.server import Server

_SECONDS = 1e-12


def decode_step_s(server: Server, batch: int, context: float) -> float:
    """Duration of a step that decodes ``batch`` sequences of ``context`` tokens each on average."""
    step = server.step
    read = step.kv_token_ps * context
    if server.window:
        read += step.window_token_ps * min(context, server.window)
    return (step.tokens_ps.item(batch) + batch * (step.sequence_ps + read)) * _SECONDS


def prompt_s(server: Server, tokens: int, cached: int, batch: int, together: float = 1.0) -> float:
    """Seconds that a prompt adds to the steps of an engine that decodes ``batch`` sequences meanwhile.

    ``tokens`` are computed after ``cached`` ones that the prefix cache holds. ``together`` (1 or more) prompts are
    computed side by side, and each costs its share: where prompts come faster than steps, they fill steps together.
    """
    step = server.step
    room = max(1, server.max_num_batched_tokens - batch)
    added = _products_ps(server, tokens if together == 1.0 else round(tokens * together), batch, room)
    chunks = -(-tokens // room)
    attention = _attention_ps(server, tokens, cached, room)
    return (added / together + chunks * step.sequence_ps + attention) * _SECONDS


def saturated_s(server: Server, tokens: int, cached: int, decoded: float, batch: int, context: float) -> float:
    """Seconds for which a request saturates its GPUs (:mod:`wva.engine.power`).

    It computes ``tokens`` of a prompt after ``cached`` ones, which samples its first token, and decodes ``decoded``
    more, at ``context`` tokens on average, beside others in a batch of ``batch``.
    """
    step = server.step
    prompt = _attention_ps(server, tokens, cached, max(1, server.max_num_batched_tokens - batch))
    decode = decoded * (step.kv_token_ps * context + step.window_token_ps * min(context, server.window))
    products = step.product_token_ps * (tokens + decoded) + step.output_row_ps * (1 + decoded)
    return (prompt + decode + products) * _SECONDS


def _attention_ps(server: Server, tokens: int, cached: int, room: int) -> float:
    """What a prompt's attention takes in chunks of ``room`` tokens."""
    step = server.step
    chunks = -(-tokens // room)
    before = chunks * cached + room * (chunks * (chunks - 1) // 2)
    read = step.kv_token_ps * before
    if server.window:
        within_window = min(cached, server.window) + (chunks - 1) * min(cached + room, server.window)
        read += step.window_token_ps * within_window
    pairs = tokens * cached + tokens * (tokens + 1) / 2.0
    return read + step.attention_pair_ps * pairs


def _products_ps(server: Server, tokens: int, batch: int, room: int) -> int:
    """What the tokens of prompts add to steps that decode anyway, attention and sequences aside."""
    table = server.step.tokens_ps
    full_steps, rest = divmod(tokens, room)
    added: int = 0
    if full_steps:
        added = full_steps * table.item(min(room + batch, server.max_num_batched_tokens))
    if rest:
        added += table.item(rest + batch)
    return added - (full_steps + (1 if rest else 0)) * table.item(batch) if batch else added


def prefill_s(server: Server, tokens: int, cached: int = 0) -> float:
    """Seconds from admission to the first token on an engine with nothing else to do."""
    return prompt_s(server, tokens, cached, batch=0)

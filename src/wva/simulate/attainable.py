"""Which requests an empty replica would serve within the objectives: the ceiling of attainment."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import Engines
from wva.engine.compiled import entry_point, inlined


@dataclass(frozen=True, slots=True)
class Alone:
    """A request alone on an engine whose prefix cache is empty; times in picoseconds."""

    ttft_ps: int
    rest_ps: int
    """From the first to the last token."""
    steps: int
    """Tokens after the first."""


@inlined
def _alone_ps(engines: Engines, kind: int, request: int) -> tuple[int, int, int]:
    """(time to first token, time from first to last token, tokens after the first) of a request alone on an engine."""
    server = engines.servers[kind]
    record = engines.requests[request]
    tokens_ps = engines.tokens_ps[kind]
    first = 0
    before = 0
    while before < record.input:
        chunk = min(record.input - before, server.max_num_batched_tokens)
        pairs = chunk * before + chunk * (chunk + 1) // 2
        first += tokens_ps[chunk] + server.sequence_ps + server.kv_token_ps * before
        first += server.window_token_ps * min(before, server.window) + server.attention_pair_ps * pairs
        before += chunk
    steps = min(record.output, server.max_model_len - record.input) - 1
    context = steps * (record.input + 1) + steps * (steps - 1) // 2
    # Steps whose context is still within the sliding window.
    inside = max(0, min(steps, server.window - record.input))
    windowed = inside * (record.input + 1) + inside * (inside - 1) // 2 + (steps - inside) * server.window
    rest = steps * (tokens_ps[1] + server.sequence_ps) + server.kv_token_ps * context
    rest += server.window_token_ps * windowed
    return first, rest, steps


@entry_point
def _one(engines: Engines, kind: int, request: int) -> tuple[int, int, int]:
    return _alone_ps(engines, kind, request)


@entry_point
def _mark(
    engines: Engines,
    kinds: NDArray[np.bool_],
    ttft_ps: NDArray[np.int64],
    tpot_ps: NDArray[np.int64],
    attainable: NDArray[np.bool_],
) -> None:
    for request in range(engines.requests.size):
        record = engines.requests[request]
        for kind in range(engines.servers.size):
            if kinds[record.model, kind] and record.input <= engines.servers[kind].longest_prompt:
                first, rest, steps = _alone_ps(engines, kind, request)
                total = ttft_ps[record.model] + steps * tpot_ps[record.model]
                if first <= ttft_ps[record.model] and first + rest <= total:
                    attainable[request] = True
                    break


def find_attainable(
    engines: Engines, server_models: NDArray[Any], ttft_ps: NDArray[np.int64], tpot_ps: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether some empty replica of its model would serve each request within the objectives; shape (requests,).

    ``server_models`` is the model index of each kind of server; the objectives are per model, in picoseconds.
    """
    kinds = server_models[None, :] == np.arange(len(ttft_ps))[:, None]
    attainable = np.zeros(engines.requests.size, np.bool_)
    _mark(engines, kinds, ttft_ps, tpot_ps, attainable)
    return attainable


def alone(engines: Engines, kind: int, request: int) -> Alone | None:
    """One request on an empty engine of that kind of server; ``None`` where its prompt is too long for it."""
    if engines.requests[request]["input"] > engines.servers[kind]["longest_prompt"]:
        return None
    return Alone(*_one(engines, kind, request))

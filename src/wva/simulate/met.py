"""Which requests were served within their objectives, in exact integers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, PICOSECONDS, TRUNCATED
from wva.engine.compiled import entry_point, inlined
from wva.fleet.model import Model


def objectives_ps(models: Sequence[Model]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(TTFT, time per output token) that each model promises, in picoseconds."""
    ttft = [round(model.objectives.ttft_s * PICOSECONDS) for model in models]
    tpot = [round(model.objectives.tpot_s * PICOSECONDS) for model in models]
    return np.array(ttft, np.int64), np.array(tpot, np.int64)


@inlined
def is_met(request: Any, ttft_ps: NDArray[np.int64], tpot_ps: NDArray[np.int64]) -> bool:
    """Whether a request completed with its first token by arrival + TTFT and its last by that + (tokens - 1) x TPOT.

    An answer that was cut short by the longest context counts with the tokens that it has. The objectives are those of
    each model.
    """
    if request.status not in (COMPLETED, TRUNCATED):
        return False
    ttft = ttft_ps[request.model]
    if request.first_token - request.arrival > ttft:
        return False
    return bool(request.finish - request.arrival <= ttft + (request.produced - 1) * tpot_ps[request.model])


@entry_point
def _mark(
    requests: NDArray[Any], ttft_ps: NDArray[np.int64], tpot_ps: NDArray[np.int64], marks: NDArray[np.bool_]
) -> None:
    for index in range(requests.size):
        marks[index] = is_met(requests[index], ttft_ps, tpot_ps)


@entry_point
def _count(requests: NDArray[Any], ttft_ps: NDArray[np.int64], tpot_ps: NDArray[np.int64]) -> int:
    met = 0
    for index in range(requests.size):
        if is_met(requests[index], ttft_ps, tpot_ps):
            met += 1
    return met


def count_met(requests: NDArray[Any], models: Sequence[Model]) -> int:
    """Count the requests that were met; ``requests`` has dtype REQUEST."""
    return int(_count(requests, *objectives_ps(models)))


def mark_met(requests: NDArray[Any], models: Sequence[Model]) -> NDArray[np.bool_]:
    """Whether each request, dtype REQUEST, was met."""
    marks = np.empty(len(requests), np.bool_)
    _mark(requests, *objectives_ps(models), marks)
    return marks

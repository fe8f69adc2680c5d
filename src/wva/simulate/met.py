"""Which requests were served within their objectives, in exact integers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, PICOSECONDS, TRUNCATED
from wva.fleet.model import Model

CHUNK = 16_384
"""Requests looked at together: their records fit a core's cache, so that each is fetched from memory once."""

Ps = NDArray[np.int64] | int
"""Picoseconds: one number, or one for each request."""


def objectives_ps(models: Sequence[Model]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(TTFT, time per output token) that each model promises, in picoseconds."""
    ttft = [round(model.objectives.ttft_s * PICOSECONDS) for model in models]
    tpot = [round(model.objectives.tpot_s * PICOSECONDS) for model in models]
    return np.array(ttft, np.int64), np.array(tpot, np.int64)


def promised(requests: NDArray[Any], ttft_ps: NDArray[np.int64], tpot_ps: NDArray[np.int64]) -> tuple[Ps, Ps]:
    """The objectives of each request, from those of each model."""
    if len(ttft_ps) == 1:
        return int(ttft_ps[0]), int(tpot_ps[0])
    return ttft_ps[requests["model"]], tpot_ps[requests["model"]]


def is_completed(requests: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each request ended with an answer, be it cut short by the longest context."""
    status = requests["status"]
    completed: NDArray[np.bool_] = (status == COMPLETED) | (status == TRUNCATED)
    return completed


def is_met(requests: NDArray[Any], ttft_ps: Ps, tpot_ps: Ps) -> NDArray[np.bool_]:
    """Whether each request completed with its first token by arrival + TTFT and its last by that + (tokens - 1) x TPOT.

    An answer that was cut short counts with the tokens that it has.
    """
    arrival = requests["arrival"]
    last_ps = ttft_ps + (requests["produced"].astype(np.int64) - 1) * tpot_ps
    in_time = (requests["first_token"] - arrival <= ttft_ps) & (requests["finish"] - arrival <= last_ps)
    met: NDArray[np.bool_] = is_completed(requests) & in_time
    return met


def count_met(requests: NDArray[Any], models: Sequence[Model]) -> int:
    """Count the requests that were met."""
    ttft_ps, tpot_ps = objectives_ps(models)
    met = 0
    for start in range(0, len(requests), CHUNK):
        chunk = requests[start : start + CHUNK]
        met += int(np.count_nonzero(is_met(chunk, *promised(chunk, ttft_ps, tpot_ps))))
    return met

"""Why requests missed their objectives, by what the engine records of every one of them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, CRASHED, INCOMPLETE, NONE, TOO_LONG, TRUNCATED
from wva.fleet.model import Model
from wva.simulate.met import mark_met, objectives_ps
from wva.simulate.result import RunResult


class Cause(StrEnum):
    """What a request missed its objectives by."""

    TOO_LONG = "too_long"
    """Its prompt fits no replica."""
    CRASH = "crash"
    """Its replica crashed."""
    IMPOSSIBLE = "impossible"
    """No empty replica would have met it."""
    GATEWAY = "gateway"
    """First token late, for the most part held at the gateway."""
    QUEUE = "queue"
    """First token late, for the most part in a replica's queue."""
    PREFILL = "prefill"
    """First token late, for the most part while its prompt was computed among others."""
    PREEMPTION = "preemption"
    """First token in time, last one late after the replica ran out of KV cache and threw it back."""
    DECODE = "decode"
    """First token in time, further ones too slow."""
    UNFINISHED = "unfinished"
    """First token in time, and its client left at the end of the window."""


CAUSES = tuple(Cause)
MET = -1
"""In the place of a cause: there is none."""


def causes(result: RunResult) -> NDArray[np.int8]:
    """The cause of each request's miss as its place in ``CAUSES``, MET where it was met; shape (requests,)."""
    ttft_ps, _ = objectives_ps(result.models)
    found = np.full(len(result.requests), MET, np.int8)
    missed = np.flatnonzero(~mark_met(result.requests, result.models))
    own = result.requests[missed]
    in_time = (own["first_token"] >= 0) & (own["first_token"] - own["arrival"] <= ttft_ps[own["model"]])
    decoding = np.where(own["preemptions"] > 0, _place(Cause.PREEMPTION), _place(Cause.DECODE))
    decoding[own["status"] == INCOMPLETE] = _place(Cause.UNFINISHED)
    found[missed] = np.select(
        [own["status"] == TOO_LONG, own["status"] == CRASHED, ~result.attainable[missed], in_time],
        [_place(Cause.TOO_LONG), _place(Cause.CRASH), _place(Cause.IMPOSSIBLE), decoding],
        _longest_wait(own),
    )
    return found


def lateness_ps(requests: NDArray[Any], models: Sequence[Model]) -> NDArray[np.int64]:
    """By how much each request was later than its objectives allow, for the worse of the two; dtype REQUEST.

    One without a whole answer is later than any other.
    """
    ttft_ps, tpot_ps = objectives_ps(models)
    first = requests["first_token"] - requests["arrival"] - ttft_ps[requests["model"]]
    steps = np.maximum(requests["produced"] - 1, 0)
    allowed = ttft_ps[requests["model"]] + steps * tpot_ps[requests["model"]]
    late = np.maximum(first, requests["finish"] - requests["arrival"] - allowed)
    answered = np.isin(requests["status"], (COMPLETED, TRUNCATED))
    return np.where(answered, late, np.iinfo(np.int64).max)


def _longest_wait(requests: NDArray[Any]) -> NDArray[np.int64]:
    """The stage before the first token, or the end without one, that took longest."""
    end = np.where(requests["first_token"] >= 0, requests["first_token"], requests["finish"])
    sent = np.where(requests["replica"] == NONE, end, requests["enqueued"])
    begun = np.where(requests["scheduled"] < 0, end, requests["scheduled"])
    begun = np.maximum(begun, sent)
    waits = np.stack([sent - requests["arrival"], begun - sent, end - begun])
    longest: NDArray[np.int64] = np.argmax(waits, axis=0) + _place(Cause.GATEWAY)
    return longest


def _place(cause: Cause) -> int:
    return CAUSES.index(cause)

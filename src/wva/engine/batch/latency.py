"""Histograms of what clients saw, as the gateway in front of the engines keeps them.

They are those of llm-d's router: ``llm_d_epp_request_ttft_seconds``, from the arrival of a request to its first token,
and ``llm_d_epp_request_streaming_tpot_seconds``, from there to its last token for each token after the first. Both get
a value when an answer ends (``HandleResponseBody`` with ``endOfStream``), so a request that is under way or has failed
is in neither.
"""

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS, Engines
from wva.engine.compiled import cold, inlined
from wva.engine.latency_bounds import TPOT_BOUNDS_S, TTFT_BOUNDS_S

TTFT_BUCKETS = len(TTFT_BOUNDS_S) + 1
TPOT_BUCKETS = len(TPOT_BOUNDS_S) + 1
LATENCY_BUCKETS = TTFT_BUCKETS + TPOT_BUCKETS
"""Columns of ``Engines.latencies``: the buckets of time to first token, then those of time per output token."""

_TTFT_UNIT_PS = 5_000_000_000
_TPOT_UNIT_PS = 50_000_000
"""Times of which all bounds are multiples, so that a bucket can be looked up instead of searched."""
_TTFT_BOUNDS_PS = np.array([round(bound * PICOSECONDS) for bound in TTFT_BOUNDS_S], np.int64)
_TPOT_BOUNDS_PS = np.array([round(bound * PICOSECONDS) for bound in TPOT_BOUNDS_S], np.int64)


def _table(bounds_ps: NDArray[np.int64], unit_ps: int, most_s: float) -> NDArray[np.uint8]:
    """The bucket of every unit of time up to ``most_s``: entry ``k`` is for times above ``k`` units, up to one more."""
    ends = unit_ps * np.arange(1, round(most_s * PICOSECONDS) // unit_ps + 1)
    return np.searchsorted(bounds_ps, ends).astype(np.uint8)


_TTFT_TABLE = _table(_TTFT_BOUNDS_PS, _TTFT_UNIT_PS, 2.0)
_TPOT_TABLE = _table(_TPOT_BOUNDS_PS, _TPOT_UNIT_PS, 0.2)
"""Nearly all answers are within; for the few beyond the search goes on from there."""


@inlined
def _bucket(bounds: NDArray[np.int64], table: NDArray[np.uint8], unit: int, span: int, parts: int) -> int:
    """The first bucket whose bound is not below ``span / parts``."""
    index = max(span - 1, 0) // (unit * parts)
    if index < table.size:
        return int(table[index])
    bucket = int(table[table.size - 1])
    while bucket < bounds.size and span > bounds[bucket] * parts:
        bucket += 1
    return bucket


# Apart, and with hardly anything to hand over: inlined wherever an answer ends it would slow the event loop down.
@cold
def _count(histograms: NDArray[np.int64], model: int, ttft: int, rest: int, tokens: int) -> None:
    """Put an answer of that many tokens into the histograms; ``rest`` is the time from its first token to its last."""
    histograms[model, _bucket(_TTFT_BOUNDS_PS, _TTFT_TABLE, _TTFT_UNIT_PS, ttft, 1)] += 1
    if tokens > 1:
        each = _bucket(_TPOT_BOUNDS_PS, _TPOT_TABLE, _TPOT_UNIT_PS, rest, tokens - 1)
        histograms[model, TTFT_BUCKETS + each] += 1


@inlined
def count_latency(engines: Engines, request: int) -> None:
    """Put an answer that has ended into the histograms of its model."""
    record = engines.requests[request]
    ttft, rest = record.first_token - record.arrival, record.finish - record.first_token
    _count(engines.latencies, record.model, ttft, rest, record.produced)

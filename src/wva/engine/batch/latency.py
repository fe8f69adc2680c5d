"""Histograms of what clients saw, as the gateway in front of the engines keeps them.

They are those of llm-d's router: ``llm_d_epp_request_ttft_seconds``, from the arrival of a request to its first token,
and ``llm_d_epp_request_streaming_tpot_seconds``, from there to its last token for each token after the first. Both get
a value when an answer ends (``HandleResponseBody`` with ``endOfStream``), so a request that is under way or has failed
is in neither. The bounds are the router's own (``pkg/epp/metrics``).
"""

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS, Engines
from wva.engine.compiled import inlined

TTFT_BOUNDS_S = (
    *(0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5),
    *(2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0),
)
TPOT_BOUNDS_S = (
    *(0.0005, 0.00205, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15),
    *(0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0),
)
"""Upper bounds of the buckets in seconds, each inclusive; one more bucket has no bound."""

TTFT_BUCKETS = len(TTFT_BOUNDS_S) + 1
TPOT_BUCKETS = len(TPOT_BOUNDS_S) + 1
LATENCY_BUCKETS = TTFT_BUCKETS + TPOT_BUCKETS
"""Columns of ``Engines.latencies``: the buckets of time to first token, then those of time per output token."""

_TTFT_BOUNDS_PS = np.array([round(bound * PICOSECONDS) for bound in TTFT_BOUNDS_S], np.int64)
_TPOT_BOUNDS_PS = np.array([round(bound * PICOSECONDS) for bound in TPOT_BOUNDS_S], np.int64)


@inlined
def _bucket(bounds: NDArray[np.int64], span: int, parts: int) -> int:
    """The first bucket whose bound is not below ``span / parts``."""
    bucket = 0
    while bucket < bounds.size and span > bounds[bucket] * parts:
        bucket += 1
    return bucket


@inlined
def count_latency(engines: Engines, request: int) -> None:
    """Put an answer that has ended into the histograms of its model."""
    record = engines.requests[request]
    first = _bucket(_TTFT_BOUNDS_PS, record.first_token - record.arrival, 1)
    engines.latencies[record.model, first] += 1
    if record.produced > 1:
        each = _bucket(_TPOT_BOUNDS_PS, record.finish - record.first_token, record.produced - 1)
        engines.latencies[record.model, TTFT_BUCKETS + each] += 1

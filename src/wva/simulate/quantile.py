"""Quantiles from histograms, as Prometheus takes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.compiled import inlined


@inlined
def quantile(q: float, newest: Any, oldest: Any, first: int, bounds: NDArray[np.float64]) -> float:
    """``histogram_quantile(q, rate(...))`` of a histogram between two samples of it; NaN when it did not grow.

    Its buckets, not cumulative, are in columns from ``first`` on: one for each of the inclusive upper ``bounds``, and
    one without a bound. Values are taken to lie evenly within a bucket, the lowest of which begins at 0; beyond the
    highest bound the answer is that bound (``bucketQuantile`` in Prometheus' ``promql/quantile.go``).
    """
    total = 0.0
    for bucket in range(bounds.size + 1):
        total += newest[first + bucket] - oldest[first + bucket]
    if total <= 0.0:
        return np.nan
    rank = q * total
    below = 0.0
    for bucket in range(bounds.size):
        grown = newest[first + bucket] - oldest[first + bucket]
        if below + grown >= rank:
            start = bounds[bucket - 1] if bucket > 0 else 0.0
            return float(start + (bounds[bucket] - start) * (rank - below) / grown)
        below += grown
    return float(bounds[-1])

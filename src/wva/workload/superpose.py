"""More traffic, or less, from one trace: copies of it laid over each other."""

import math

import numpy as np
from numpy.typing import NDArray

from wva.workload.blocks import PrefixBlocks, concatenate
from wva.workload.trace import Trace, require_holdable


def superpose(trace: Trace, scale: float, jitter_s: float, rng: np.random.Generator) -> Trace:
    """Lay ``scale`` copies of a trace over each other, each as another population of users.

    Every copy is shifted by its own U(0, ``jitter_s``) and wraps around at the end of the window. The fraction of
    ``scale`` is the chance of each request of one last copy to stay: 2.5 is two copies and a half. Prefix blocks of
    different copies never meet.

    Raises:
        UserError: The copies hold too many requests or distinct prefix blocks.

    """
    require_holdable(len(trace) * scale)
    copies = math.ceil(scale)
    shifts = rng.uniform(0.0, jitter_s, copies) % trace.duration_s
    last = np.flatnonzero(rng.random(len(trace)) < scale - (copies - 1)) if scale < copies else None
    every = np.arange(len(trace), dtype=np.int32)
    kept = [every] * (copies - 1) + [every if last is None else last.astype(np.int32)]

    rows = np.concatenate(kept)
    arrivals = np.concatenate(
        [_shift(trace.arrival_s[part], shift, trace.duration_s) for part, shift in zip(kept, shifts, strict=True)]
    )
    # Each shifted copy is two ascending runs, which the stable sort merges instead of sorting afresh.
    order = np.argsort(arrivals, kind="stable")
    rows = rows[order]
    return Trace(
        arrival_s=arrivals[order],
        input_tokens=trace.input_tokens[rows],
        output_tokens=trace.output_tokens[rows],
        duration_s=trace.duration_s,
        blocks=None if trace.blocks is None else _blocks(trace.blocks, kept).take(order),
    )


def _shift(arrivals: NDArray[np.float64], shift: float, duration_s: float) -> NDArray[np.float64]:
    shifted = arrivals + shift
    shifted[np.searchsorted(shifted, duration_s) :] -= duration_s
    return shifted


def _blocks(blocks: PrefixBlocks, kept: list[NDArray[np.int32]]) -> PrefixBlocks:
    return concatenate([blocks.take(rows) for rows in kept])

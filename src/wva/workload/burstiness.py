"""How uneven traffic is in time."""

from dataclasses import dataclass

import numpy as np

from wva.workload.trace import Trace


@dataclass(frozen=True, slots=True)
class PeakToMean:
    """What superposing did to the bursts of a trace; laying copies over each other smooths."""

    source: float
    """Ratio of the trace as read."""
    superposed: float
    """Ratio of the copies together."""


def peak_to_mean(trace: Trace, bin_s: float = 10.0) -> float:
    """Requests in the fullest bin over requests in a mean bin of the window; NaN for a trace without requests.

    A rest of the window that is shorter than a bin holds no peak. A window shorter than one bin is a bin of its own.
    """
    width_s = min(bin_s, trace.duration_s)
    edges = np.arange(int(trace.duration_s / width_s) + 1) * width_s
    peak = np.diff(np.searchsorted(trace.arrival_s, edges)).max()
    return float(peak / (len(trace) * width_s / trace.duration_s)) if len(trace) else float("nan")


def peaks_to_means(source: Trace, superposed: Trace, bin_s: float = 10.0) -> PeakToMean:
    """Both ratios, in bins of ``bin_s`` seconds."""
    return PeakToMean(peak_to_mean(source, bin_s), peak_to_mean(superposed, bin_s))

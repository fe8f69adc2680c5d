"""The saturation signal, as the recording rules make it of the router's histograms."""

from math import isfinite

from wva.fleet.model import Objectives
from wva.fleet.observation import Traffic
from wva.policies.hpa.follower import is_due
from wva.policies.slo_law.memory import Sample

_EVALUATION_S = 15.0
"""Seconds between two evaluations of the recording rules."""
_STALENESS_S = 300.0
"""Age in seconds from which a scraped value is missing: Prometheus looks back 5 minutes."""


def raw(traffic: Traffic | None, objectives: Objectives) -> float:
    """The worse P90 latency in parts of its objective; 0 where neither is known."""
    if traffic is None or not traffic.age_s <= _STALENESS_S:
        return 0.0
    pairs = ((traffic.ttft_p90_1m_s, objectives.ttft_s), (traffic.tpot_p90_1m_s, objectives.tpot_s))
    known = [latency / objective for latency, objective in pairs if latency is not None and isfinite(latency)]
    return max(known, default=0.0)


def record(samples: tuple[Sample, ...], now: float, saturation: float, window_s: float) -> tuple[Sample, ...]:
    """The smoothing window with this value, if it is time for one; values from after ``now`` are as good as none."""
    before = [sample for sample in samples if sample.at <= now]
    if before and not is_due(before[-1].at, now, _EVALUATION_S):
        return tuple(before)
    # What is exactly as old as the window has left it.
    kept = [sample for sample in before if now - sample.at < window_s * (1.0 - 1e-6)]
    return (*kept, Sample(now, saturation))


def smoothed(samples: tuple[Sample, ...]) -> float:
    """``avg_over_time`` of a window that is not empty."""
    return sum(sample.saturation for sample in samples) / len(samples)

"""What the load is, and where it goes.

The load is counted where requests arrive, so that a saturated fleet cannot hide it. It is measured in mean requests per
second: a request with a longer prompt counts for more, by its share of engine time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wva.decide.bursts import LEAST_SPAN_S, deviation_of, rates_of
from wva.decide.memory import LoadSample, ModelMemory
from wva.decide.samples import SAME_SCRAPE_S, latest_before
from wva.decide.settings import Settings
from wva.decide.trend import slope, steady_part
from wva.decide.weights import Weights

CERTAIN = 2.0
"""Standard deviations by which a load in less than the fast window must stand out, and is reduced."""

PARTS = (2, 4)
"""Parts of the fast window in which a load may stand out."""

LEAST_FILL_BINS = 2
"""Short bins for which the caches are taken to fill at least, however short a request is in flight."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """Parts of a deviation from the level that stay for a horizon, 0 to 1."""

    rise: float
    fall: float


@dataclass(frozen=True, slots=True)
class Demand:
    """The load in mean requests per second."""

    level: float
    """Mean over the level window."""
    settled: float
    """The level, or less by what is likely to stay of a fall since."""
    trend: float
    """Growth per second that goes on and stands out from noise; 0 where none does."""
    fast: float
    """Mean over the fast window, or more where the newest part of it stands out."""
    deviation: float
    """Standard deviation in short bins around the level, in parts of the level."""
    noise: float
    """The same over the fast window."""
    expected: float
    """The level, with what is likely to stay of the fast load, carried along a rising trend to the horizon and by the
    ramp margin beyond it. Growth that has just begun is no trend yet, and is carried less far."""
    held_tokens: float | None
    """KV-cache tokens held now, carried along their own growth; ``None`` is unknown."""


def measure(
    memory: ModelMemory, weights: Weights, horizon_s: float, residence_s: float, lasting: Lasting, settings: Settings
) -> Demand | None:
    """The load and where it will be after ``horizon_s``; ``None`` until enough samples were seen.

    A request is in flight for ``residence_s``, which the fast window spans some times.
    """
    samples = memory.samples
    if len(samples) < 2 or samples[-1].time - samples[0].time < LEAST_SPAN_S:
        return None
    newest = samples[-1]
    level = weights.rate(samples[0], newest)
    fast_s = max(settings.fast_window_s, settings.fast_residences * residence_s)
    recent = latest_before(samples, newest.time - fast_s) or samples[0]
    deviation = deviation_of(memory, level, weights, settings)
    rates = rates_of(samples, weights)
    growth = slope(rates)
    trend = steady_part(growth, rates)
    fast = _fast(samples, recent, level * deviation, weights, settings)
    # The nearer the estimate is to the newest load, the less it lags behind the trend.
    span = (1.0 - lasting.rise) * (newest.time - samples[0].time) + lasting.rise * (newest.time - recent.time)
    lag = span / 2.0
    present, most = level + lasting.rise * (fast - level), max(level, fast)
    carried = min(present + max(0.0, trend) * (lag + settings.ramp_margin * horizon_s), settings.most_growth * most)
    begun = min(present + max(0.0, growth) * (lag + horizon_s), settings.sudden_growth * most)
    return Demand(
        level=level,
        settled=min(level, level + lasting.fall * (fast - level)),
        trend=trend,
        fast=fast,
        deviation=deviation,
        noise=deviation * math.sqrt(min(1.0, settings.burst_bin_s / (newest.time - recent.time))),
        expected=max(carried, begun),
        held_tokens=_expected_held(samples, settings, horizon_s, residence_s),
    )


def _fast(
    samples: Sequence[LoadSample], recent: LoadSample, deviation: float, weights: Weights, settings: Settings
) -> float:
    """Mean since ``recent``, or what is certain of its newest part: a step shows there first.

    ``deviation`` is that of a short bin, in mean requests per second.
    """
    newest = samples[-1]
    fast = weights.rate(recent, newest)
    for part in PARTS:
        start = latest_before(samples, newest.time - (newest.time - recent.time) / part)
        if start is not None and newest.time - start.time >= settings.burst_bin_s - SAME_SCRAPE_S:
            noise = deviation * math.sqrt(settings.burst_bin_s / (newest.time - start.time))
            fast = max(fast, weights.rate(start, newest) - CERTAIN * noise)
    return fast


def _expected_held(
    samples: Sequence[LoadSample], settings: Settings, horizon_s: float, residence_s: float
) -> float | None:
    """Mean of the fast window, carried along the growth over the fill window or over all samples, whichever is more.

    What a change of the load brings into the caches has come after a residence, so it grows no longer than that.
    """
    now, window_s = samples[-1].time, settings.fast_window_s
    points = [(sample.time, sample.held_tokens) for sample in samples if sample.held_tokens is not None]
    recent = [held for time, held in points if time >= now - window_s]
    if not recent:
        return None
    newest = [(time, held) for time, held in points if time >= now - settings.fill_window_s]
    growth = max(0.0, slope(points), slope(newest))
    ahead_s = min(horizon_s, max(residence_s, LEAST_FILL_BINS * settings.burst_bin_s))
    return sum(recent) / len(recent) + growth * (window_s / 2.0 + ahead_s)

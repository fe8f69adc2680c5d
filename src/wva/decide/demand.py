"""What the load is, how bursty, and where it goes.

The load is counted where requests arrive, so that a saturated fleet cannot hide it. It is measured in mean requests per
second: a request with a longer prompt counts for more, by its share of engine time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from wva.decide.memory import LoadSample, ModelMemory
from wva.decide.samples import latest_before
from wva.decide.settings import Settings

STANDARD_ERRORS = 2.0
"""Standard errors that a trend has to exceed, and is reduced by."""

MOST_DEVIATION = 4.0
"""Largest deviation that is learned from, in parts of the level: after silence any load is beyond measure."""

LEAST_SPAN_S = 25.0
"""Seconds that samples must span before a rate is taken from them."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How a request counts whose prompt is longer or shorter than the mean."""

    prompt_share: float
    """Part of a mean request's engine time that goes by its prompt's tokens; the rest is the same for each request."""
    input_tokens: float
    """Mean prompt length in tokens."""

    def load(self, requests: float, tokens: float) -> float:
        """Requests with that many prompt tokens together, in mean requests."""
        return (1.0 - self.prompt_share) * requests + self.prompt_share * tokens / self.input_tokens


@dataclass(frozen=True, slots=True)
class Demand:
    """The load in mean requests per second."""

    level: float
    """Mean over the level window."""
    trend: float
    """Growth per second that stands out from noise; 0 where none does."""
    fast: float
    """Mean over the fast window."""
    deviation: float
    """Standard deviation in short bins around the level, in parts of the level."""
    expected: float
    """The level, with what is likely to stay of the fast load, carried along a rising trend to the horizon."""
    held_tokens: float | None
    """KV-cache tokens held now, carried along their own growth to the horizon; ``None`` is unknown."""


def remember_burst(memory: ModelMemory, weights: Weights, settings: Settings) -> ModelMemory:
    """Learn how far the newest short bin is from where the load before it was heading; call it once a sample."""
    samples = memory.samples
    newest = samples[-1] if samples else None
    start = latest_before(samples, newest.time - settings.burst_bin_s) if newest else None
    if newest is None or start is None or start.time - samples[0].time < 2 * LEAST_SPAN_S:
        return memory
    before = [sample for sample in samples if sample.time <= start.time]
    level = _rate(samples[0], start, weights)
    if level <= 0.0:
        return memory
    ahead = (newest.time - samples[0].time) / 2.0
    surprise = _rate(start, newest, weights) - level - _trend(before, weights) * ahead
    square = min(abs(surprise) / level, MOST_DEVIATION) ** 2
    if memory.burstiness is None:
        return replace(memory, burstiness=square)
    learned = 1.0 - math.exp(-(newest.time - samples[-2].time) / settings.burst_memory_s)
    return replace(memory, burstiness=memory.burstiness + learned * (square - memory.burstiness))


def measure(
    memory: ModelMemory, weights: Weights, horizon_s: float, residence_s: float, lasting: float, settings: Settings
) -> Demand | None:
    """The load and where it will be after ``horizon_s``; ``None`` until enough samples were seen.

    A request is in flight for ``residence_s``, which the fast window spans some times.
    ``lasting`` is the part of a deviation from the level that stays for a horizon.
    """
    samples = memory.samples
    if len(samples) < 2 or samples[-1].time - samples[0].time < LEAST_SPAN_S:
        return None
    newest = samples[-1]
    level = _rate(samples[0], newest, weights)
    fast_s = max(settings.fast_window_s, settings.fast_residences * residence_s)
    recent = latest_before(samples, newest.time - fast_s) or samples[0]
    trend = _trend(samples, weights)
    fast = _rate(recent, newest, weights)
    # The nearer the estimate is to the newest load, the less it lags behind the trend.
    span = (1.0 - lasting) * (newest.time - samples[0].time) + lasting * (newest.time - recent.time)
    lead = span / 2.0 + horizon_s
    present = level + lasting * (fast - level)
    return Demand(
        level=level,
        trend=trend,
        fast=fast,
        deviation=math.sqrt(memory.burstiness or 0.0),
        expected=min(present + max(0.0, trend) * lead, settings.most_growth * max(level, fast)),
        held_tokens=_expected_held(samples, settings, horizon_s),
    )


def _expected_held(samples: Sequence[LoadSample], settings: Settings, horizon_s: float) -> float | None:
    """Mean of the fast window, carried along the growth over the fill window or over all samples, whichever is more."""
    now, window_s = samples[-1].time, settings.fast_window_s
    points = [(sample.time, sample.held_tokens) for sample in samples if sample.held_tokens is not None]
    recent = [held for time, held in points if time >= now - window_s]
    if not recent:
        return None
    newest = [(time, held) for time, held in points if time >= now - settings.fill_window_s]
    growth = max(0.0, _slope(points), _slope(newest))
    return sum(recent) / len(recent) + growth * (window_s / 2.0 + horizon_s)


def _rate(first: LoadSample, last: LoadSample, weights: Weights) -> float:
    load = weights.load(last.requests - first.requests, last.tokens - first.tokens)
    return load / (last.time - first.time)


def _trend(samples: Sequence[LoadSample], weights: Weights) -> float:
    """Growth of the load per second that stands out from its noise."""
    return _slope(
        [((before.time + after.time) / 2.0, _rate(before, after, weights)) for before, after in pairwise(samples)]
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope of (time, value), moved towards 0 by its uncertainty; 0 for too few points."""
    count = len(points)
    if count < 4:
        return 0.0
    mean_time, mean_value = sum(time for time, _ in points) / count, sum(value for _, value in points) / count
    spread = sum((time - mean_time) ** 2 for time, _ in points)
    slope = sum((time - mean_time) * (value - mean_value) for time, value in points) / spread
    residual = sum((value - mean_value - slope * (time - mean_time)) ** 2 for time, value in points)
    error = math.sqrt(residual / (count - 2) / spread)
    return math.copysign(max(0.0, abs(slope) - STANDARD_ERRORS * error), slope)

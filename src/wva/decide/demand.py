"""What the load is, how bursty, and where it goes.

The load is counted where requests arrive, so that a saturated fleet cannot hide it. It is measured in mean requests per
second: a request with a longer prompt counts for more, by its share of engine time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wva.decide.memory import LoadSample, ModelMemory
from wva.decide.settings import Settings

STANDARD_ERRORS = 2.0
"""Standard errors that a trend has to exceed, and is reduced by."""

MOST_DEVIATION = 4.0
"""Largest deviation that is learned from, in parts of the level: after silence any load is beyond measure."""

LEAST_SPAN_S = 25.0
"""Seconds that samples must span before a rate is taken from them."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Share of a mean request's engine time that goes by its prompt's tokens; the rest is the same for each request."""

    prompt_share: float
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
    """The level, with what is likely to stay of the fast load, carried along the trend to the horizon."""
    held_tokens: float | None
    """KV-cache tokens held now, carried along their own trend to the horizon; ``None`` is unknown."""


def remember_sample(memory: ModelMemory, sample: LoadSample, settings: Settings) -> ModelMemory:
    """Add a scrape's counters, and forget those before the level window; a counter that fell back starts anew."""
    kept = memory.samples
    if kept and (sample.requests < kept[-1].requests or sample.tokens < kept[-1].tokens):
        kept = ()
    if kept and sample.time <= kept[-1].time:
        return memory
    oldest = sample.time - settings.level_window_s - settings.burst_bin_s
    return replace(memory, samples=(*(s for s in kept if s.time >= oldest), sample))


def remember_generated(memory: ModelMemory, totals: Mapping[str, float]) -> tuple[ModelMemory, float]:
    """Count answer tokens over the fleet's changes: (memory, tokens so far). A total that fell back began anew."""
    before = memory.generated_by
    grown = sum(total - before[name] if total >= before.get(name, math.inf) else total for name, total in totals.items())
    so_far = (memory.samples[-1].generated if memory.samples else 0.0) + grown
    return replace(memory, generated_by={**totals}), so_far


def recent_output_tokens(memory: ModelMemory, window_s: float) -> float | None:
    """Answer tokens generated for each request that arrived, over the last ``window_s``.

    Answers that get longer show here at once, and in the means of finished answers only when they end. While fewer
    requests come it is too high by what older ones still generate, which is work all the same.
    """
    samples = memory.samples
    start = _latest_before(samples, samples[-1].time - window_s + 0.5) if samples else None
    if start is None or samples[-1].requests <= start.requests:
        return None
    return (samples[-1].generated - start.generated) / (samples[-1].requests - start.requests)


def remember_burst(memory: ModelMemory, weights: Weights, settings: Settings) -> ModelMemory:
    """Learn how far the newest short bin is from where the load before it was heading."""
    samples = memory.samples
    newest = samples[-1] if samples else None
    start = _latest_before(samples, newest.time - settings.burst_bin_s + 0.5) if newest else None
    if newest is None or start is None or start.time - samples[0].time < 2 * LEAST_SPAN_S:
        return memory
    before = [sample for sample in samples if sample.time <= start.time]
    middle = (samples[0].time + start.time) / 2.0
    ahead = (start.time + newest.time) / 2.0 - middle
    level = _rate(samples[0], start, weights)
    if level <= 0.0:
        return memory
    surprise = _rate(start, newest, weights) - level - _trend(before, weights) * ahead
    deviation = min(abs(surprise) / level, MOST_DEVIATION) ** 2
    if memory.burstiness is None:
        return replace(memory, burstiness=deviation)
    span = newest.time - (samples[-2].time if len(samples) > 1 else start.time)
    learned = 1.0 - math.exp(-span / settings.burst_memory_s)
    return replace(memory, burstiness=memory.burstiness + learned * (deviation - memory.burstiness))


def measure(
    memory: ModelMemory, weights: Weights, horizon_s: float, residence_s: float, lasting: float, settings: Settings
) -> Demand | None:
    """The load and where it will be after ``horizon_s``; ``None`` until enough samples were seen.

    A request is in flight for ``residence_s``: a burst shorter than that never is in the engines as a whole.
    ``lasting`` is the part of a deviation from the level that stays for a horizon.
    """
    samples = memory.samples
    if len(samples) < 2 or samples[-1].time - samples[0].time < LEAST_SPAN_S:
        return None
    newest = samples[-1]
    level = _rate(samples[0], newest, weights)
    recent = _latest_before(samples, newest.time - max(settings.fast_window_s, settings.fast_residences * residence_s) + 0.5) or samples[0]
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
        held_tokens=_expected_held(samples, settings.fast_window_s, horizon_s),
    )


def _expected_held(samples: Sequence[LoadSample], window_s: float, horizon_s: float) -> float | None:
    """Mean of the last window, carried along the growth over all samples."""
    points = [(sample.time, sample.held_tokens) for sample in samples if sample.held_tokens is not None]
    recent = [held for time, held in points if time >= samples[-1].time - window_s]
    if not recent:
        return None
    growth = max(0.0, _slope(points))
    return sum(recent) / len(recent) + growth * (window_s / 2.0 + horizon_s)


def _rate(first: LoadSample, last: LoadSample, weights: Weights) -> float:
    load = weights.load(last.requests - first.requests, last.tokens - first.tokens)
    return load / (last.time - first.time)


def _latest_before(samples: Sequence[LoadSample], time: float) -> LoadSample | None:
    for sample in reversed(samples):
        if sample.time <= time:
            return sample
    return None


def _trend(samples: Sequence[LoadSample], weights: Weights) -> float:
    """Growth of the load per second that stands out from its noise."""
    pairs = zip(samples, samples[1:], strict=False)
    return _slope([((before.time + after.time) / 2.0, _rate(before, after, weights)) for before, after in pairs])


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

"""How bursty the load is: what it deviates by chance alone, and what it deviates beyond that.

Requests that come independently of each other deviate by the square root of their number, so twice the load is less
bursty in parts of itself. What comes on top is learned: as a mean of absolute deviations, which one step of the load
moves less than a mean of squares. Every second seen counts alike in it until the burst memory is full, and what was
believed before anything was seen counts as some seconds of load, so that neither a quiet beginning nor a wild one
decides for long.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from wva.decide.memory import Burstiness, LoadSample, ModelMemory
from wva.decide.samples import latest_before
from wva.decide.settings import Settings
from wva.decide.trend import Points, slope, steady_part
from wva.decide.weights import Weights

MOST_DEVIATION = 4.0
"""Largest deviation that is learned from, in parts of the level: after silence any load is beyond measure."""

MEAN_OF_NORMAL = math.sqrt(2.0 / math.pi)
"""Mean absolute deviation of what is normally distributed, in standard deviations."""

LEAST_SPAN_S = 25.0
"""Seconds that samples must span before a rate is taken from them."""


def by_chance(level: float, weights: Weights, seconds: float) -> float:
    """Standard deviation of independent arrivals over so many seconds, in parts of the level.

    Their number is Poisson and prompts vary about as much as they are long, so each adds ``1 + prompt_share^2`` to the
    variance.
    """
    if level <= 0.0:
        return 0.0
    return min(MOST_DEVIATION, math.sqrt((1.0 + weights.prompt_share**2) / (level * seconds)))


def deviation_of(memory: ModelMemory, level: float, weights: Weights, settings: Settings) -> float:
    """Standard deviation of the load in short bins, in parts of the level: what was learned, and chance."""
    learned = _believed(memory, settings).deviation / MEAN_OF_NORMAL
    return math.hypot(learned, by_chance(level, weights, settings.burst_bin_s))


def remember_burst(memory: ModelMemory, weights: Weights, settings: Settings) -> ModelMemory:
    """Learn how far the newest short bin is from where the load before it was heading; call it once a sample."""
    samples = memory.samples
    newest = samples[-1] if samples else None
    start = latest_before(samples, newest.time - settings.burst_bin_s) if newest else None
    if newest is None or start is None or start.time - samples[0].time < 2 * LEAST_SPAN_S:
        return memory
    before = [sample for sample in samples if sample.time <= start.time]
    level = weights.rate(samples[0], start)
    if level <= 0.0:
        return memory
    ahead = (newest.time - samples[0].time) / 2.0
    rates = rates_of(before, weights)
    surprise = abs(weights.rate(start, newest) - level - steady_part(slope(rates), rates) * ahead) / level
    chance = MEAN_OF_NORMAL * by_chance(level, weights, newest.time - start.time)
    excess = max(0.0, min(surprise, MOST_DEVIATION) - chance)
    known, elapsed = _believed(memory, settings), newest.time - samples[-2].time
    kept = math.exp(-elapsed / settings.burst_memory_s) * known.seconds
    seconds = kept + elapsed
    deviation = (kept * known.deviation + elapsed * excess) / seconds
    return replace(memory, burstiness=Burstiness(deviation, seconds))


def _believed(memory: ModelMemory, settings: Settings) -> Burstiness:
    return memory.burstiness or Burstiness(settings.prior_burstiness, settings.prior_burstiness_s)


def rates_of(samples: Sequence[LoadSample], weights: Weights) -> Points:
    """The load between each two samples, in the middle of them."""
    return [((one.time + two.time) / 2.0, weights.rate(one, two)) for one, two in pairwise(samples)]

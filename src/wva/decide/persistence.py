"""How much of a sudden load is still there when a replica ordered for it is ready.

Bursts shorter than a start-up cannot be chased: what comes too late serves nobody. How long they last is learned from
the past: each deviation ``d`` of the fast load from the level is set against what was left of it one horizon later,
``r``. The share that lasts is the least-squares fit of ``r = share * d`` through 0: the sum of ``d r`` over that of
``d^2``.
"""

import math
from dataclasses import replace

from wva.decide.memory import Excursion, ModelMemory
from wva.decide.samples import SAME_SCRAPE_S
from wva.decide.settings import Settings

PRIOR_SQUARE = 0.1
"""Weight of the belief that deviations last, as a squared relative deviation: one lasting step of about 30 %."""

MOST_DEVIATION = 10.0
"""Largest deviation that is learned from, in parts of the level: after silence any load is beyond measure."""


def lasting_share(memory: ModelMemory) -> float:
    """Part of a deviation that lasts for a horizon, 0 to 1; what has hardly been seen is believed to last."""
    product = memory.persistence_product + PRIOR_SQUARE
    return min(1.0, max(0.0, product / (memory.persistence_square + PRIOR_SQUARE)))


def remember_excursion(
    memory: ModelMemory, now: float, level: float, fast: float, horizon_s: float, settings: Settings
) -> ModelMemory:
    """Learn from the deviations that are a horizon old, and keep the present one until then.

    One deviation is kept a short bin, so that decisions at shorter intervals learn nothing twice.
    """
    newest = memory.excursions[-1].time if memory.excursions else -math.inf
    if level <= 0.0 or now - newest < settings.burst_bin_s - SAME_SCRAPE_S:
        return memory
    product, square, pending = memory.persistence_product, memory.persistence_square, []
    kept = math.exp(-settings.burst_bin_s / settings.burst_memory_s)
    for excursion in memory.excursions:
        if now - excursion.time < horizon_s:
            pending.append(excursion)
            continue
        product = kept * product + excursion.deviation * _deviation(fast, excursion.level)
        square = kept * square + excursion.deviation**2
    pending.append(Excursion(now, level, _deviation(fast, level)))
    return replace(memory, persistence_product=product, persistence_square=square, excursions=tuple(pending))


def _deviation(load: float, level: float) -> float:
    return min(load / level - 1.0, MOST_DEVIATION)

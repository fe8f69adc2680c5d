"""How much of a sudden change of the load is still there when a replica ordered for it is ready.

Bursts shorter than a start-up cannot be chased: what comes too late serves nobody. Nor is a lull that soon ends a
reason to give anything up. How long either lasts is learned from the past, rises and falls apart: each deviation ``d``
of the fast load from the level is set against what was left of it one horizon later, ``r``, at most as large as ``d``.
The share that lasts is the least-squares fit of ``r = share * d`` through 0: the sum of ``d r`` over that of ``d^2``.
"""

import math
from dataclasses import replace

from wva.decide.demand import Demand
from wva.decide.memory import Excursion, ModelMemory, Persistence
from wva.decide.samples import SAME_SCRAPE_S
from wva.decide.settings import Settings

PRIOR_SQUARE = 0.1
"""Weight of the belief that deviations last, as a squared relative deviation: one lasting step of about 30 %."""

MOST_DEVIATION = 10.0
"""Largest deviation that is learned from, in parts of the level: after silence any load is beyond measure."""


def share_of(persistence: Persistence) -> float:
    """Part of a deviation that lasts for a horizon, 0 to 1; what has hardly been seen is believed to last."""
    product = persistence.product + PRIOR_SQUARE
    return min(1.0, max(0.0, product / (persistence.square + PRIOR_SQUARE)))


def remember_excursion(
    memory: ModelMemory, now: float, demand: Demand, horizon_s: float, settings: Settings
) -> ModelMemory:
    """Learn from the deviations that are a horizon old, and keep the present one until then.

    One deviation is kept a short bin, so that decisions at shorter intervals learn nothing twice. Deviations that the
    usual bursts bring anyway teach nothing.
    """
    level, fast = demand.level, demand.fast
    newest = memory.excursions[-1].time if memory.excursions else -math.inf
    if level <= 0.0 or now - newest < settings.burst_bin_s - SAME_SCRAPE_S:
        return memory
    rises, falls, pending = memory.rises, memory.falls, []
    kept = math.exp(-settings.burst_bin_s / settings.burst_memory_s)
    for excursion in memory.excursions:
        if now - excursion.time < horizon_s:
            pending.append(excursion)
        elif abs(excursion.deviation) >= demand.noise:
            left = _deviation(fast, excursion.level)
            if excursion.deviation > 0.0:
                rises = _learned(rises, excursion.deviation, left, kept)
            else:
                falls = _learned(falls, excursion.deviation, left, kept)
    pending.append(Excursion(now, level, _deviation(fast, level)))
    return replace(memory, rises=rises, falls=falls, excursions=tuple(pending))


def _learned(persistence: Persistence, deviation: float, left: float, kept: float) -> Persistence:
    most = abs(deviation)
    return Persistence(
        product=kept * persistence.product + deviation * max(-most, min(most, left)),
        square=kept * persistence.square + deviation**2,
    )


def _deviation(load: float, level: float) -> float:
    return min(load / level - 1.0, MOST_DEVIATION)

"""How much of a sudden load is still there when a replica ordered for it is ready.

Bursts shorter than a start-up cannot be chased: what comes too late serves nobody. How long they last is learned from
the past: each deviation from the level is set against what the load was one horizon later.
"""

import math
from dataclasses import replace

from wva.decide.memory import Excursion, ModelMemory
from wva.decide.settings import Settings

PRIOR_SQUARE = 0.1
"""Weight of the belief that deviations last, as a squared relative deviation: one lasting step of about 30 %."""


def lasting_share(memory: ModelMemory) -> float:
    """Part of a deviation that lasts for a horizon, 0 to 1; what has hardly been seen is believed to last."""
    product = memory.persistence_product + PRIOR_SQUARE
    return min(1.0, max(0.0, product / (memory.persistence_square + PRIOR_SQUARE)))


def remember_excursion(
    memory: ModelMemory, now: float, level: float, fast: float, horizon_s: float, settings: Settings
) -> ModelMemory:
    """Learn from the deviations that are a horizon old, and keep the present one until then."""
    if level <= 0.0:
        return memory
    product, square, pending = memory.persistence_product, memory.persistence_square, []
    for excursion in memory.excursions:
        if now - excursion.time < horizon_s:
            pending.append(excursion)
            continue
        kept = math.exp(-settings.burst_bin_s / settings.burst_memory_s)
        left = fast / excursion.level - 1.0
        product = kept * product + excursion.deviation * left
        square = kept * square + excursion.deviation**2
    newest = Excursion(now, level, fast / level - 1.0)
    return replace(
        memory, persistence_product=product, persistence_square=square, excursions=(*pending, newest)
    )

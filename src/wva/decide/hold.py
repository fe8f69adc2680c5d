"""How long capacity is kept that was needed once.

Stopping and starting again costs about a start-up, so a need is kept for about as long. Where needs come back later
than that, in waves, what was given up is missed while it starts again. How long they stay away is learned from each
that came back too late, and the next is kept for as long. Before a load is known well, any may come back.
"""

import math
from dataclasses import replace

from wva.decide.memory import Absence, ModelMemory, Need
from wva.decide.settings import Settings

MOST_DEVIATION = 2.0
"""Largest deviation of short-term load by which capacity is held for longer."""

RETURNED = 1.25
"""Factor by which a need exceeds what is kept once it has come back, and is no waver."""

LATER = 1.25
"""Factor by which the next need may stay away for longer."""


def hold_s(memory: ModelMemory, now: float, deviation: float, horizon_s: float, settings: Settings) -> float:
    """Seconds for which capacity once needed is kept, where a new replica takes ``horizon_s``."""
    bursts = settings.hold_deviations * min(deviation, MOST_DEVIATION) * max(horizon_s, settings.least_burst_hold_s)
    plain = settings.hold_horizons * (horizon_s + bursts)
    unknown = math.exp(-max(0.0, now - memory.since) / settings.burst_memory_s)
    first = min(settings.longest_hold_s, settings.first_hold_horizons * horizon_s * unknown)
    return max(plain, first, _absence_s(memory, now, settings))


def remember_need(memory: ModelMemory, need: Need, held_s: float, settings: Settings) -> ModelMemory:
    """Add a need, learn whether it comes back after the ``held_s`` seconds for which it was kept, and forget the past.

    Forgotten is what it exceeds, and what is older than the longest hold.
    """
    oldest = need.time - settings.longest_hold_s
    within = [n for n in memory.needs if n.time >= oldest and n.requests_per_s > need.requests_per_s]
    rises = bool(memory.needs) and need.requests_per_s > memory.needs[-1].requests_per_s
    if rises and within and need.requests_per_s > RETURNED * held_need(memory, need.time, held_s):
        away = LATER * (need.time - within[-1].time)
        known = _absence_s(memory, need.time, settings)
        memory = replace(memory, absence=Absence(need.time, min(settings.longest_hold_s, max(away, known))))
    return replace(memory, needs=(*within, need))


def held_need(memory: ModelMemory, now: float, held_s: float) -> float:
    """The largest need of the last ``held_s`` seconds."""
    return max((need.requests_per_s for need in memory.needs if need.time >= now - held_s), default=0.0)


def _absence_s(memory: ModelMemory, now: float, settings: Settings) -> float:
    if memory.absence is None:
        return 0.0
    return memory.absence.seconds * math.exp(-(now - memory.absence.time) / settings.burst_memory_s)

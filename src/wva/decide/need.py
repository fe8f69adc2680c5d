"""How much capacity the demand needs, headroom included, and how long a need is kept."""

import math
from dataclasses import dataclass, replace

from wva.decide.capacity import ReplicaCapacity
from wva.decide.demand import Demand
from wva.decide.memory import ModelMemory, Need
from wva.decide.settings import Settings

TRACE_OF_LOAD = 1e-6
"""Need in requests per second that stands for "at least one replica"."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Capacity needed within the objectives, in mean requests per second."""

    sustained: float
    """For the load expected when a replica ordered now is ready, with its usual bursts."""
    occupied: float
    """For the KV cache that is filling up: the present capacity, by how full it will be."""
    backlog: float
    """On top, to work off what the gateway holds."""
    total: float


def burst_share(capacity: ReplicaCapacity, settings: Settings) -> float:
    """Part of a burst of arrivals that the engine feels.

    Prompts are due at once. Answers take their time, so what decodes at an instant has come over a whole residence,
    and independent bursts average out over it.
    """
    bins = max(1.0, capacity.residence_s / settings.burst_bin_s)
    return capacity.prompt_share + (1.0 - capacity.prompt_share) / math.sqrt(bins)


def required(
    demand: Demand,
    capacity: ReplicaCapacity,
    occupied: float,
    backlog_load: float,
    active: bool,
    settings: Settings,
) -> Requirement:
    """The largest of the needs, plus the backlog.

    ``capacity`` is the variant by which bursts are judged, ``occupied`` the present capacity times the part of its KV
    cache that will be in use.
    """
    usable = 1.0 - settings.headroom
    deviation = demand.deviation * burst_share(capacity, settings)
    sustained = demand.expected * (1.0 + settings.burst_deviations * deviation) / usable
    full = min(occupied / (1.0 - settings.kv_headroom), settings.most_occupied * sustained)
    backlog = backlog_load / settings.backlog_s
    total = max(sustained, full) + backlog
    return Requirement(sustained, full, backlog, max(total, TRACE_OF_LOAD) if active else total)


def remember_need(memory: ModelMemory, need: Need, settings: Settings) -> ModelMemory:
    """Add a need, and forget those that it exceeds or that are older than the hold window."""
    oldest = need.time - settings.hold_window_s
    kept = [n for n in memory.needs if n.time >= oldest and n.requests_per_s > need.requests_per_s]
    return replace(memory, needs=(*kept, need))


def held_need(memory: ModelMemory) -> float:
    """The largest need of the hold window."""
    return memory.needs[0].requests_per_s if memory.needs else 0.0

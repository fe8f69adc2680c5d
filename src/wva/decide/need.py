"""How much capacity the demand needs, headroom included, and how long a need is kept."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wva.decide.capacity import ReplicaCapacity
from wva.decide.demand import Demand
from wva.decide.memory import ModelMemory, Need
from wva.decide.settings import Settings
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Phase

TRACE_OF_LOAD = 1e-6
"""Need in requests per second that stands for "at least one replica"."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Capacity needed within the objectives, in mean requests per second."""

    sustained: float
    """For the load expected when a replica ordered now is ready, with its usual bursts."""
    occupied: float
    """For the KV cache that is filling up: the present capacity, by how full it will be, up to a bound."""
    backlog: float
    """On top, to work off what the gateway holds."""
    total: float
    """The larger of the two first, and the backlog; a trace of load at least for a model in use."""


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
    """The larger of the needs, plus the backlog.

    ``capacity`` is the variant by which bursts are judged, ``occupied`` the present capacity times the part of its KV
    cache that will be in use, ``backlog_load`` what the gateway holds in mean requests. ``active`` says that the model
    is in use, so that it needs a replica however small its load is.
    """
    usable = 1.0 - settings.headroom
    deviation = demand.deviation * burst_share(capacity, settings)
    sustained = demand.expected * (1.0 + settings.burst_deviations * deviation) / usable
    full = min(occupied / (1.0 - settings.kv_headroom), settings.most_occupied * sustained)
    backlog = backlog_load / settings.backlog_s
    total = max(sustained, full) + backlog
    return Requirement(sustained, full, backlog, max(total, TRACE_OF_LOAD) if active else total)


def occupied_capacity(
    held_tokens: float | None, variants: Sequence[VariantObservation], capacities: Mapping[str, ReplicaCapacity]
) -> float:
    """Capacity of the serving replicas times the part of their KV cache that will be in use; 0 where it is unknown."""
    if held_tokens is None:
        return 0.0
    rate = tokens = 0.0
    for seen in variants:
        capacity = capacities.get(seen.variant.name)
        if capacity is not None:
            serving = len(seen.in_phase(Phase.READY, Phase.DRAINING))
            rate += serving * capacity.requests_per_s
            tokens += serving * capacity.kv_tokens
    # Beyond full, what is held tells how long the queue is, not how much capacity it takes.
    return rate * min(1.0, held_tokens / tokens) if tokens > 0.0 else 0.0


def remember_need(memory: ModelMemory, need: Need, settings: Settings) -> ModelMemory:
    """Add a need, and forget those that it exceeds or that are older than the hold window."""
    oldest = need.time - settings.hold_window_s
    kept = [n for n in memory.needs if n.time >= oldest and n.requests_per_s > need.requests_per_s]
    return replace(memory, needs=(*kept, need))


def held_need(memory: ModelMemory) -> float:
    """The largest need of the hold window."""
    return memory.needs[0].requests_per_s if memory.needs else 0.0

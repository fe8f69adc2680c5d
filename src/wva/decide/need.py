"""How much capacity the demand needs, headroom included."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wva.decide.capacity import ReplicaCapacity
from wva.decide.demand import Demand
from wva.decide.settings import Settings
from wva.decide.waiting import room_for_waiting
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Phase

TRACE_OF_LOAD = 1e-6
"""Need in requests per second that stands for "at least one replica"."""

LEAST_IN_USE = 0.1
"""Replicas in use of the smallest load that headroom is told apart for: less fits on one replica in any case."""

MOST_OVERFLOW = 1.5
"""Largest part of the KV cache that is believed to be needed: what is far beyond full tells how long a queue is."""

MOST_KV_HEADROOM = 0.9
"""Largest part of the KV cache that stays free, whatever the headroom."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Capacity needed within the objectives, in mean requests per second."""

    steady: float
    """For the level of the load with its usual bursts, headroom included."""
    coming: float
    """For the load expected when a replica ordered now is ready, with more of its bursts and the least headroom."""
    surprise: float
    """For what of the newest load its usual bursts do not explain, with most of the headroom: it may stay."""
    occupied: float
    """For the KV cache that is filling up: the present capacity, by how full it will be, up to a bound."""
    backlog: float
    """On top, to work off what the gateway holds."""
    total: float
    """The largest of the four first, and the backlog; a trace of load at least for a model in use."""
    headroom: float
    """Part of the capacity that the level of the load leaves free."""
    waiting: float
    """Part of it that must be free so that prompts do not wait too long for each other."""


def burst_share(capacity: ReplicaCapacity, settings: Settings) -> float:
    """Part of a burst of arrivals that the engine feels.

    Prompts are due at once. Answers take their time, so what decodes at an instant has come over a whole residence,
    and independent bursts average out over it.
    """
    bins = max(1.0, capacity.residence_s / settings.burst_bin_s)
    return capacity.prompt_share + (1.0 - capacity.prompt_share) / math.sqrt(bins)


def headroom_for(load: float, capacity: ReplicaCapacity, settings: Settings) -> float:
    """Part of the capacity that a load of so many mean requests per second leaves free, on replicas of that capacity.

    What comes independently deviates by the square root of its number, so the ``h / (1 - h)`` kept free for each unit
    in use grows as a load gets smaller (square-root staffing: Halfin and Whitt, Operations Research 29, 1981), below
    ``few_replicas`` in use. It does not fall as loads get larger: large ones have bursts of many requests at once.
    """
    in_use = max(LEAST_IN_USE, load / capacity.requests_per_s)
    few = math.sqrt(max(1.0, settings.few_replicas / in_use))
    odds = _odds(settings.headroom) * few
    return odds / (1.0 + odds) * burst_share(capacity, settings)


def _odds(headroom: float) -> float:
    """What a headroom keeps free for each unit in use."""
    return headroom / (1.0 - headroom)


def kv_headroom(settings: Settings) -> float:
    """Part of the KV cache that stays free: more of it where more headroom is kept."""
    return min(MOST_KV_HEADROOM, settings.kv_headroom * _odds(settings.headroom))


def required(
    demand: Demand,
    capacity: ReplicaCapacity,
    occupied: float,
    backlog_load: float,
    active: bool,
    settings: Settings,
) -> Requirement:
    """The largest of the needs, plus the backlog.

    Headroom is for what nobody sees coming: a burst that has begun is what it was there for, and asks for no more.
    Where the engines feel a part of each burst only, that part of the headroom is enough.

    A larger load that is coming brings more bursts, not larger ones, and independent bursts deviate by the square root
    of their number: by ``d * level`` now, and by ``d * sqrt(level * coming)`` then. How many of these deviations are
    served grows with the headroom ``h`` as what it keeps free for each unit in use does: with ``h / (1 - h)``.

    Whether a burst lasts is learned from those before it, which says nothing of one that is unlike them: what stands
    out of the usual ones must leave most of the headroom to the next, until it is known to pass.

    What stays free for bursts keeps prompts from waiting for each other as well; where that needs more, more stays.

    ``capacity`` is the variant by which bursts are judged, ``occupied`` the present capacity times the part of its KV
    cache that will be in use, ``backlog_load`` what the gateway holds in mean requests. ``active`` says that the model
    is in use, so that it needs a replica however small its load is.
    """
    bursts = headroom_for(demand.settled, capacity, settings)
    waiting = room_for_waiting(demand.settled, capacity)
    headroom = max(bursts, waiting)
    deviation = demand.deviation * burst_share(capacity, settings)
    surge = settings.surge_deviations * _odds(bursts)
    steady = demand.settled * (1.0 + settings.burst_deviations * deviation) / (1.0 - headroom)
    spread = deviation * math.sqrt(min(demand.level, demand.expected) * demand.expected)
    coming = (demand.expected + surge * spread) / (1.0 - min(bursts, settings.least_headroom))
    standing_out = demand.fast - settings.surprise_deviations * demand.noise * demand.level
    surprise = max(0.0, standing_out) / (1.0 - settings.surprise_headroom * headroom)
    expected = max(steady, coming, surprise)
    full = min(occupied / (1.0 - kv_headroom(settings)), settings.most_occupied * expected)
    backlog = backlog_load / settings.backlog_s
    total = max(expected, full) + backlog
    return Requirement(
        steady, coming, surprise, full, backlog, max(total, TRACE_OF_LOAD) if active else total, headroom, waiting
    )


def to_cover(need: float, capacity: float, largest: float, headroom: float, settings: Settings) -> float:
    """The need that the present capacity must cover before replicas are ordered.

    A shortfall of less than half of the ``largest`` replica is left to the ``headroom``, as long as enough of it stays:
    then the need is taken to be what there is.
    """
    left = min(largest / 2.0, settings.tolerance * headroom * need)
    return capacity if need - left <= capacity < need else need


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
    return rate * min(MOST_OVERFLOW, held_tokens / tokens) if tokens > 0.0 else 0.0

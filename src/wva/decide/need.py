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
    """Capacity needed within the objectives."""

    sustained: float
    """Mean requests per second expected when a replica ordered now is ready, with their usual bursts."""
    sudden: float
    """Mean requests per second of the last minute, should they stay."""
    backlog: float
    """Mean requests per second on top, to work off what the gateway holds."""
    requests_per_s: float
    """All of that together."""
    kv_tokens: float
    """KV cache for what is in flight."""


def burst_share(capacity: ReplicaCapacity, settings: Settings) -> float:
    """Part of a burst of arrivals that the engine feels.

    Prompts are due at once. Answers take their time, so what decodes at an instant has come over a whole residence,
    and independent bursts average out over it.
    """
    bins = max(1.0, capacity.residence_s / settings.burst_bin_s)
    return capacity.prompt_share + (1.0 - capacity.prompt_share) / math.sqrt(bins)


def required(
    demand: Demand, capacity: ReplicaCapacity, backlog_load: float, active: bool, settings: Settings
) -> Requirement:
    """The larger of the sustained and the sudden load, plus the backlog, over what headroom leaves of capacity.

    ``capacity`` is the variant by which bursts are judged.
    """
    usable = 1.0 - settings.headroom
    deviation = demand.deviation * burst_share(capacity, settings)
    sustained = demand.expected * (1.0 + settings.burst_deviations * deviation) / usable
    sudden = demand.fast / usable
    backlog = backlog_load / settings.backlog_s
    total = max(sustained, sudden) + backlog
    return Requirement(
        sustained=sustained,
        sudden=sudden,
        backlog=backlog,
        requests_per_s=max(total, TRACE_OF_LOAD) if active else total,
        kv_tokens=(demand.held_tokens or 0.0) / usable,
    )


def remember_need(memory: ModelMemory, need: Need, settings: Settings) -> ModelMemory:
    """Add a need, and forget those that it exceeds or that are older than the hold window."""
    oldest = need.time - settings.hold_window_s
    kept = [n for n in memory.needs if n.time >= oldest and not _exceeds(need, n)]
    return replace(memory, needs=(*kept, need))


def _exceeds(new: Need, old: Need) -> bool:
    return new.requests_per_s >= old.requests_per_s and new.kv_tokens >= old.kv_tokens


def held_need(memory: ModelMemory) -> tuple[float, float]:
    """(requests per second, KV tokens): the largest of each in the hold window."""
    return (
        max((need.requests_per_s for need in memory.needs), default=0.0),
        max((need.kv_tokens for need in memory.needs), default=0.0),
    )

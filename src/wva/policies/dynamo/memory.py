"""What the planners remember, of each model and of each of its variants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.memory import Memory

VERSION = 1
"""Layout of ``DynamoMemory``."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """State of one predictor: where the next value is expected, in the predictor's own scale."""

    level: float = 0.0
    trend: float = 0.0
    """Expected growth in an interval."""
    level_variance: float = 0.0
    covariance: float = 0.0
    trend_variance: float = 0.0
    begun: bool = False
    """Whether anything but 0 was ever seen: an idle time at the start is no history."""


@dataclass(frozen=True, slots=True)
class PlannerMemory:
    """What one variant's planner remembers."""

    looked_at: float
    """When the load loop last looked, in seconds since the epoch."""
    lower_bound: int = 1
    """Replicas that the throughput loop asks for at least."""
    finished: float = 0.0
    """Requests that its engines have finished in the interval."""
    in_flight: float = 0.0
    """Requests that were in its engines when the interval began."""
    totals: Mapping[str, float] = field(default_factory=dict)
    """Requests that each engine that exists had finished when last known, by instance id."""
    num_req: Forecast = Forecast()
    """Requests in an interval."""
    isl: Forecast = Forecast()
    """Mean tokens of a prompt."""
    osl: Forecast = Forecast()
    """Mean tokens of an answer."""
    last_isl: float | None = None
    """Mean tokens of a prompt when last known."""
    last_osl: float | None = None
    kv_hit_rate: float | None = None
    """Part of the prompts found in the prefix cache when last known, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What the planners of one model's variants remember."""

    since: float
    """When the interval of the throughput loop began, in seconds since the epoch."""
    counted_at: float | None = None
    """When the requests that had arrived by then were counted; ``None`` while that is unknown."""
    arrivals: float = 0.0
    """How many had arrived."""
    planners: Mapping[str, PlannerMemory] = field(default_factory=dict)
    """By variant name."""


@dataclass(frozen=True, slots=True)
class DynamoMemory(Memory):
    """What all planners remember."""

    models: Mapping[str, ModelMemory] = field(default_factory=dict)
    """By model name."""

"""What the brain remembers of a model between decisions, bounded and in timestamps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.memory import Memory

VERSION = 1
"""Layout of ``BrainMemory``."""


@dataclass(frozen=True, slots=True)
class LoadSample:
    """What one scrape said of a model's load."""

    time: float
    """When they were scraped, in seconds since the epoch."""
    requests: float
    """Requests so far."""
    tokens: float
    """Prompt tokens so far, as the gateway estimates them from bytes."""
    generated: float
    """Answer tokens that the fleet has generated so far, replicas that are gone included."""
    held_tokens: float | None
    """KV-cache tokens that requests in flight hold, and those that wait would; ``None`` is unknown."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """How far the load was from its level at an instant."""

    time: float
    level: float
    """Mean requests per second."""
    deviation: float
    """In parts of the level."""


@dataclass(frozen=True, slots=True)
class Need:
    """What capacity was needed at an instant."""

    time: float
    requests_per_s: float
    """Rate of mean requests that the fleet had to be able to serve within its objectives, headroom included."""


@dataclass(frozen=True, slots=True)
class Startup:
    """How long starts of a variant took."""

    mean_s: float
    """Exponentially weighted mean time from start order to ready."""
    deviation_s: float
    """Exponentially weighted mean absolute deviation from it."""
    newest: float
    """When the newest start that was learned from became ready."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What is remembered of one model."""

    since: float
    """When it was first seen with traffic figures; the first full window is counted from here."""
    last_arrival: float = 0.0
    """When a request was last known to arrive."""
    samples: tuple[LoadSample, ...] = ()
    """The level window, oldest first."""
    generated_by: Mapping[str, float] = field(default_factory=dict)
    """Answer tokens by instance when last seen."""
    burstiness: float | None = None
    """Squared coefficient of variation of the load in short bins around its level; ``None`` until a bin was seen."""
    excursions: tuple[Excursion, ...] = ()
    """Deviations of the last horizon, oldest first: what became of them is not known yet."""
    persistence_product: float = 0.0
    """Weighted sum over past deviations of the deviation times what was left of it one horizon later."""
    persistence_square: float = 0.0
    """Weighted sum of past deviations squared."""
    input_tokens: float | None = None
    output_tokens: float | None = None
    context_tokens: float | None = None
    """KV-cache tokens that a request in flight holds on average."""
    residence_s: float = 0.0
    """Seconds that a request is in flight at the fleet's capacity."""
    needs: tuple[Need, ...] = ()
    """Needs of the hold window that no later one exceeds, so falling: the first is the largest."""


@dataclass(frozen=True, slots=True)
class VariantMemory:
    """What is remembered of one variant."""

    startup: Startup | None = None
    slowness: float = 1.0
    """Measured time between tokens over the engine model's, smoothed and bounded: divides the prior capacity."""


@dataclass(frozen=True, slots=True)
class BrainMemory(Memory):
    """The brain's memory."""

    models: Mapping[str, ModelMemory] = field(default_factory=dict)
    variants: Mapping[str, VariantMemory] = field(default_factory=dict)

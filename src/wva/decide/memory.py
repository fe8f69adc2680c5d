"""What the brain remembers of models and variants between decisions, bounded and in timestamps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.memory import Memory
from wva.fleet.variant import EngineArguments

VERSION = 3
"""Layout of ``BrainMemory``."""


@dataclass(frozen=True, slots=True)
class LoadSample:
    """What one scrape said of a model's load."""

    time: float
    """When it was scraped, in seconds since the epoch."""
    requests: float
    """Requests so far."""
    tokens: float
    """Prompt tokens so far, as estimated from the bytes that the gateway counts."""
    generated: float
    """Answer tokens that the fleet has generated so far, replicas that are gone included."""
    held_tokens: float | None
    """KV-cache tokens that requests in flight hold, and those that wait would; ``None`` is unknown."""


@dataclass(frozen=True, slots=True)
class Burstiness:
    """How far the load was from where it was heading, in short bins."""

    deviation: float
    """Mean absolute deviation, in parts of the level and beyond what chance alone brings."""
    seconds: float
    """Seconds of load that it is the mean of, of which older ones count for less."""


@dataclass(frozen=True, slots=True)
class Excursion:
    """How far the load was from its level at an instant."""

    time: float
    """In seconds since the epoch."""
    level: float
    """Mean requests per second."""
    deviation: float
    """In parts of the level."""


@dataclass(frozen=True, slots=True)
class Persistence:
    """What became of past deviations, of which older ones count for less."""

    product: float = 0.0
    """Weighted sum of the deviation times what was left of it one horizon later."""
    square: float = 0.0
    """Weighted sum of deviations squared."""


@dataclass(frozen=True, slots=True)
class Need:
    """What capacity was needed at an instant."""

    time: float
    """In seconds since the epoch."""
    requests_per_s: float
    """Rate of mean requests that the fleet had to be able to serve within its objectives, headroom included."""


@dataclass(frozen=True, slots=True)
class Absence:
    """A need that came back after it was no longer kept."""

    time: float
    """When it came back, in seconds since the epoch."""
    seconds: float
    """For how long it is to be kept next time."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A model at which no request arrives, waits or runs."""

    since: float
    """Since when that is known without a gap, in seconds since the epoch."""
    seen: float
    """Until when, by the oldest of the figures that say so."""
    requests: float
    """Requests so far, by the gateway's counter."""

    @property
    def lasted_s(self) -> float:
        """For how many seconds that is known."""
        return self.seen - self.since


@dataclass(frozen=True, slots=True)
class Startup:
    """How long starts of a variant took."""

    mean_s: float
    """Exponentially weighted mean time from hardware to ready, in seconds."""
    deviation_s: float
    """Exponentially weighted mean absolute deviation from it, in seconds."""
    newest: float
    """When the newest start that was learned from became ready, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the engines of a variant compare with the engine model."""

    slowness: float
    """Measured engine time over predicted engine time, smoothed and bounded; 1 is as predicted, 2 is half as fast."""
    time: float
    """When it was last learned, in seconds since the epoch."""
    revision: str | None
    """Template revision that it was learned with."""
    engine: EngineArguments
    """Engine arguments that it was learned with."""


@dataclass(frozen=True, slots=True)
class ModelMemory:
    """What is remembered of one model."""

    since: float
    """Since when its load is known without a gap or a restart of the counters, in seconds since the epoch."""
    last_arrival: float = 0.0
    """When a request was last known to arrive, in seconds since the epoch."""
    samples: tuple[LoadSample, ...] = ()
    """The level window, oldest first."""
    generated: float = 0.0
    """Answer tokens that the fleet has generated since it was first seen."""
    generated_by: Mapping[str, float] = field(default_factory=dict)
    """Answer tokens by instance when last known, for the instances that exist."""
    burstiness: Burstiness | None = None
    """``None`` until a short bin was seen."""
    excursions: tuple[Excursion, ...] = ()
    """Deviations of the last horizon, oldest first: what became of them is not known yet."""
    rises: Persistence = Persistence()
    falls: Persistence = Persistence()
    input_tokens: float | None = None
    """Mean tokens of a prompt; ``None`` until a request finished."""
    output_tokens: float | None = None
    """Mean tokens of a finished answer; ``None`` until a request finished."""
    context_tokens: float | None = None
    """KV-cache tokens that a request in flight holds on average; ``None`` until one was seen."""
    residence_s: float = 0.0
    """Seconds that a mean request is in flight on the cheapest variant under full load; 0 until that is known."""
    needs: tuple[Need, ...] = ()
    """Needs of the longest hold that no later one exceeds, so falling: the first is the largest."""
    absence: Absence | None = None
    """The newest need that came back too late, or one before it that stayed away for longer."""
    quiet: Quiet | None = None
    """``None`` while it may have a request."""


@dataclass(frozen=True, slots=True)
class VariantMemory:
    """What is remembered of one variant."""

    startup: Startup | None = None
    """``None`` until a start was seen to end."""
    calibration: Calibration | None = None
    """``None`` until a replica could be compared with the engine model."""

    @property
    def slowness(self) -> float:
        """Engine time over what the engine model predicts; 1 until something else was measured."""
        return 1.0 if self.calibration is None else self.calibration.slowness


@dataclass(frozen=True, slots=True)
class BrainMemory(Memory):
    """The brain's memory."""

    models: Mapping[str, ModelMemory] = field(default_factory=dict)
    """By model name, for the models that exist."""
    variants: Mapping[str, VariantMemory] = field(default_factory=dict)
    """By variant name, for the variants that exist."""

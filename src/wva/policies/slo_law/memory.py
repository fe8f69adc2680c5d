"""What Prometheus keeps of the signal, and what the HPAs remember."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.memory import Memory
from wva.policies.hpa.memory import HpaMemory

VERSION = 1
"""Layout of ``SloLawMemory``."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One recorded value of the capped saturation."""

    at: float
    """Seconds since the epoch."""
    saturation: float


@dataclass(frozen=True, slots=True)
class SloLawMemory(Memory):
    """The recorded signals and the state of the HPAs."""

    signals: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    """The smoothing window of each model, oldest first, by model name."""
    hpa: HpaMemory = field(default_factory=HpaMemory)

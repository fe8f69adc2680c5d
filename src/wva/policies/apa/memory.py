"""What the controller remembers of every variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wva.fleet.memory import Memory
from wva.policies.hpa.memory import Stamp
from wva.policies.hpa.settings import Metric
from wva.policies.samples import Sample

VERSION = 1
"""Layout of ``ApaMemory``."""

Samples = Mapping[Metric, tuple[Sample, ...]]
"""The means over a variant's pods in the observe window, by metric."""


@dataclass(frozen=True, slots=True)
class VariantMemory:
    """What is known of one variant."""

    synced_at: float
    """When it last computed, in seconds since the epoch."""
    desired: int
    """The count in force when it did."""
    target: int
    """The count that it set."""
    samples: Samples = field(default_factory=dict)
    recommendations: tuple[Stamp, ...] = ()

    def not_after(self, now: float) -> "VariantMemory":
        """The same with nothing from after that instant, for a clock that was set back: what was, was just now."""
        return replace(
            self,
            synced_at=min(self.synced_at, now),
            samples={
                metric: tuple(Sample(min(sample.at, now), sample.value) for sample in samples)
                for metric, samples in self.samples.items()
            },
            recommendations=tuple(Stamp(min(stamp.at, now), stamp.replicas) for stamp in self.recommendations),
        )


@dataclass(frozen=True, slots=True)
class ApaMemory(Memory):
    """What is known of every variant."""

    variants: Mapping[str, VariantMemory] = field(default_factory=dict)
    """By variant name."""

"""What the autoscaler remembers of every variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.fleet.memory import Memory
from wva.policies.hpa.memory import Stamp
from wva.policies.kpa.decider import Panic
from wva.policies.kpa.zero import Activity
from wva.policies.samples import Sample

VERSION = 1
"""Layout of ``KpaMemory``."""


@dataclass(frozen=True, slots=True)
class VariantMemory:
    """What is known of one variant."""

    activity: Activity
    panic: Panic
    samples: tuple[Sample, ...] = ()
    """Its concurrency over the stable window."""
    recommendations: tuple[Stamp, ...] = ()
    """Counts of the scale-down delay that no later one reaches."""

    def not_after(self, now: float) -> "VariantMemory":
        """The same with nothing from after that instant, for a clock that was set back: what was, was just now."""
        activity, panic = self.activity, self.panic
        return VariantMemory(
            Activity(
                min(activity.active_since, now),
                None if activity.inactive_since is None else min(activity.inactive_since, now),
            ),
            Panic(None if panic.since is None else min(panic.since, now), panic.pods),
            tuple(Sample(min(sample.at, now), sample.value) for sample in self.samples),
            tuple(Stamp(min(stamp.at, now), stamp.replicas) for stamp in self.recommendations),
        )


@dataclass(frozen=True, slots=True)
class KpaMemory(Memory):
    """What is known of every variant."""

    variants: Mapping[str, VariantMemory] = field(default_factory=dict)
    """By variant name."""


def delayed(recommendations: tuple[Stamp, ...], new: Stamp, delay_s: float) -> tuple[Stamp, ...]:
    """The counts of the scale-down delay, highest and oldest first: the first is the one that holds.

    What is not above a later one can never hold again, which bounds the number by the highest count.
    """
    return (*(old for old in recommendations if old.replicas > new.replicas and new.at - old.at < delay_s), new)

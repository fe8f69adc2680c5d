"""What the controller remembers of every HPA: past recommendations and past changes of the count."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wva.fleet.memory import Memory

VERSION = 1
"""Layout of ``HpaMemory``."""

_MILLISECOND = 0.001


@dataclass(frozen=True, slots=True)
class Stamp:
    """A number of replicas at an instant: recommended, added or removed."""

    at: float
    """Seconds since the epoch."""
    replicas: int


@dataclass(frozen=True, slots=True)
class VariantMemory:
    """What is known of one variant's HPA."""

    synced_at: float
    """When it last computed, in seconds since the epoch."""
    desired: int
    """The count in force when it did."""
    target: int
    """The count that it set."""
    recommendations: tuple[Stamp, ...]
    """Counts that the metrics asked for, before anything held them back."""
    added: tuple[Stamp, ...] = ()
    removed: tuple[Stamp, ...] = ()


@dataclass(frozen=True, slots=True)
class HpaMemory(Memory):
    """What is known of every variant's HPA."""

    variants: Mapping[str, VariantMemory] = field(default_factory=dict)
    """By variant name."""


def within(stamp: Stamp, now: float, window_s: float) -> bool:
    """Whether it is younger than the window.

    What is exactly as old as the window is over, to a millisecond: the controller syncs a little more than a period
    apart, and sums of periods in double precision may come out a little less.
    """
    return now - stamp.at < window_s - _MILLISECOND


def remembered(stamps: tuple[Stamp, ...], new: Stamp, window_s: float) -> tuple[Stamp, ...]:
    """The history with one more entry, in the place of one that has left the window if there is any.

    Reusing places bounds the history by what fits into the window. It is the controller's own way, and shows where a
    policy of the other direction looks back further than the window.
    """
    for place in range(len(stamps) - 1, -1, -1):
        if not within(stamps[place], new.at, window_s):
            return (*stamps[:place], new, *stamps[place + 1 :])
    return (*stamps, new)


def not_after(known: VariantMemory, now: float) -> VariantMemory:
    """The same with nothing from after that instant, for a clock that was set back: what was, was just now."""

    def past(stamps: tuple[Stamp, ...]) -> tuple[Stamp, ...]:
        return tuple(Stamp(min(stamp.at, now), stamp.replicas) for stamp in stamps)

    return replace(
        known,
        synced_at=min(known.synced_at, now),
        recommendations=past(known.recommendations),
        added=past(known.added),
        removed=past(known.removed),
    )

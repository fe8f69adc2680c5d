"""A metric's readings over time and their mean over a window, for autoscalers that keep such windows themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite

from wva.fleet.replica import Replica

_MILLISECOND = 0.001


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading."""

    at: float
    """When it was scraped, in seconds since the epoch."""
    value: float


def recorded(samples: tuple[Sample, ...], new: Sample, window_s: float) -> tuple[Sample, ...]:
    """The readings of the window that ends with the new one.

    One for each second at most: the new one takes the place of what was read in its second, or after it by a clock that
    was set back. So the same scrape seen twice counts once, and the window bounds the number.
    """
    second = floor(new.at)
    return (*(known for known in samples if floor(known.at) < second and within(known, new.at, window_s)), new)


def mean(samples: Sequence[Sample], now: float, window_s: float) -> float:
    """The mean over the readings of the window that ends now, or the newest reading where none is as young."""
    young = [sample.value for sample in samples if within(sample, now, window_s)]
    return sum(young) / len(young) if young else samples[-1].value


def within(sample: Sample, now: float, window_s: float) -> bool:
    """Whether it is younger than the window; what is exactly as old, to a millisecond, is over."""
    return now - sample.at < window_s - _MILLISECOND


def newest_scrape(replicas: Sequence[Replica], now: float, staleness_s: float) -> float | None:
    """When the replicas were last scraped; ``None`` where no scrape is younger than that or as old."""
    ages = [
        instance.metrics.age_s
        for replica in replicas
        for instance in replica.instances
        if instance.metrics is not None and isfinite(instance.metrics.age_s) and instance.metrics.age_s <= staleness_s
    ]
    return now - min(ages) if ages else None

"""What pods say of their work: who of them may be stopped, and who is missed least."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wva.fleet.readings import Readings
from wva.kubernetes.acting.drain import Draining, DrainKind

SETTLE_S = 5.0
"""Seconds from taking a pod out of service until nobody sends it anything more: endpoints spread by watches."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a pod said; ``None`` is unknown."""

    at: float
    """When it said so, in seconds since the epoch."""
    running: float | None
    waiting: float | None
    prefix_hit_rate: float | None = None
    """Share of prompt tokens that it found in its cache, 0 to 1."""

    @property
    def requests(self) -> float | None:
        """Requests that it has."""
        return None if self.running is None or self.waiting is None else self.running + self.waiting


def loads(readings: Readings, now: float) -> Mapping[str, Load]:
    """What the pods said, by their ids as replicas; ``now`` is when the readings were given."""
    return _Loads(readings, now)


class _Loads(Mapping[str, Load]):
    """Of thousands of pods, a few are asked for."""

    def __init__(self, readings: Readings, now: float) -> None:
        self._readings = readings.instances
        self._now = now

    def __getitem__(self, name: str) -> Load:
        said = self._readings[name].metrics
        if said is None:
            raise KeyError(name)
        return Load(self._now - said.age_s, said.running, said.waiting, said.prefix_hit_rate_5m)

    def __iter__(self) -> Iterator[str]:
        return (name for name, reading in self._readings.items() if reading.metrics is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def is_idle(draining: Draining, load: Load | None) -> bool:
    """Whether a pod has ended its last request. What it said before all knew that it takes no more says nothing."""
    return load is not None and load.requests == 0 and load.at >= draining.since + SETTLE_S


def is_done(draining: Draining, load: Load | None, now: float) -> bool:
    """Whether a pod may be stopped: it is idle, its time is over, or nothing was to be waited for."""
    return draining.kind is DrainKind.GRACE or now >= draining.deadline or is_idle(draining, load)

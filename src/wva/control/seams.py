"""What the loop needs from outside: a clock, a body that has replicas, and somebody who measures them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wva.fleet.inventory import Inventory
from wva.fleet.observation import Traffic, VariantObservation
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan
from wva.fleet.replica import InstanceMetrics


class Clock(Protocol):
    """Time, as the loop sees it."""

    def utc(self) -> float:
        """Seconds since the epoch: what observations and plans carry."""

    def monotonic(self) -> float:
        """Seconds that never go back: what intervals and deadlines are measured by."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds are over."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one engine instance is reached."""

    instance: str
    """Id of the instance, as in the body's observation of it."""
    model: str
    variant: str
    url: str
    """Base of its addresses, such as ``http://127.0.0.1:8101``."""


@dataclass(frozen=True, slots=True)
class FleetState:
    """What a body knows by itself, without anything measured."""

    variants: tuple[VariantObservation, ...]
    """Every instance in it has unknown metrics."""
    inventory: Inventory
    endpoints: tuple[Endpoint, ...]
    """Instances that can be asked for metrics: of replicas that are ready or draining."""


class Body(Protocol):
    """A place where plans become replicas."""

    async def state(self) -> FleetState:
        """Say what is there now."""

    async def apply(self, plan: Plan) -> tuple[Outcome, ...]:
        """Carry a plan out, idempotently, and answer one outcome a variant.

        It is validated again: expired, or another count found than the plan expects, is answered as ``conflict`` and
        changes nothing. It returns once the actions are accepted, not once they are done.
        """


@dataclass(frozen=True, slots=True)
class InstanceReading:
    """What one instance reports."""

    metrics: InstanceMetrics | None
    """``None`` when nothing was ever read."""
    kv_capacity_tokens: int | None


@dataclass(frozen=True, slots=True)
class Readings:
    """What was measured, up to one instant."""

    instances: Mapping[str, InstanceReading]
    """By the id of the instance; one that is absent is unknown."""
    traffic: Mapping[str, Traffic]
    """By model; one that is absent is unknown."""


class Metrics(Protocol):
    """Somebody who measures the fleet: replicas scraped directly, or a Prometheus server that does it."""

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Give the newest readings with their ages. What cannot be read is unknown and never an error."""

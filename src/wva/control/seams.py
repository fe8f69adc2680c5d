"""What the loop needs from outside: a clock, a body that has replicas, and somebody who measures them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wva.fleet.clock import Clock
from wva.fleet.inventory import Inventory
from wva.fleet.model import Model
from wva.fleet.observation import VariantObservation
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan
from wva.fleet.readings import Endpoint, InstanceReading, Readings

__all__ = ["Body", "Clock", "Endpoint", "FleetState", "InstanceReading", "Metrics", "Readings"]


@dataclass(frozen=True, slots=True)
class FleetState:
    """What a body knows by itself, without anything measured."""

    models: tuple[Model, ...]
    """What it serves, or may: all that a decision is about."""
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


class Metrics(Protocol):
    """Somebody who measures the fleet: replicas scraped directly, or a Prometheus server that does it."""

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Give the newest readings with their ages. What cannot be read is unknown and never an error."""

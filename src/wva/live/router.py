"""Between the fleet's replicas, the gateway and those who measure: who serves, and how loaded each is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from wva.control.seams import Clock, Endpoint
from wva.engine.routing_cost import request_cost_s
from wva.engine.server import Server
from wva.fleet.readings import LoadReading
from wva.gateway.backend import Backend as GatewayBackend
from wva.gateway.server import Gateway
from wva.local.routes import Backend
from wva.local.schema import FleetSpec
from wva.scenario.nouns import fleet_models, fleet_variants

Follow = Callable[[Sequence[Endpoint]], None]
"""Told all endpoints that serve, whenever they change."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What routing needs to know of a variant's hardware."""

    cost_s: float
    prompt_token_s: float


def speeds(fleet: FleetSpec, servers: Mapping[str, Server]) -> dict[str, Speed]:
    """The speed of every variant's replicas; ``servers`` are by variant."""
    objectives = {model.name: model.objectives for model in fleet_models(fleet)}
    return {
        variant.name: Speed(
            request_cost_s(servers[variant.name], objectives[variant.model]), servers[variant.name].prompt_token_s
        )
        for variant in fleet_variants(fleet)
    }


class Router:
    """The ``wva.local.routes.Routes`` of a gateway."""

    def __init__(self, gateway: Gateway, speed_of: Mapping[str, Speed], clock: Clock) -> None:
        """``speed_of`` is by variant."""
        self.on_change: Follow | None = None
        self._gateway = gateway
        self._speed_of = speed_of
        self._clock = clock
        self._serving: dict[str, tuple[Endpoint, ...]] = {}
        self._loads: dict[str, tuple[float, LoadReading]] = {}
        """The newest reading of each instance, and when it came."""

    def place(self, model: str, backends: Sequence[Backend]) -> None:
        """Tell gateway and scraper who serves a model from now on."""
        self._gateway.place(model, [self._backend(backend) for backend in backends])
        self._serving[model] = tuple(backend.endpoint for backend in backends)
        serving = self.endpoints()
        names = {endpoint.instance for endpoint in serving}
        self._loads = {name: load for name, load in self._loads.items() if name in names}
        if self.on_change is not None:
            self.on_change(serving)

    def endpoints(self) -> list[Endpoint]:
        """Every instance that serves."""
        return [endpoint for endpoints in self._serving.values() for endpoint in endpoints]

    def in_flight(self, instance: str) -> int:
        """Requests that were sent to an instance and have not ended."""
        return self._gateway.in_flight(instance)

    def read(self, instance: str, reading: LoadReading) -> None:
        """Take in how loaded an instance is."""
        self._gateway.read(instance, reading)
        self._loads[instance] = (self._clock.monotonic(), reading)

    def load(self, instance: str) -> LoadReading | None:
        """How loaded an instance was when it was last asked; ``None`` where it never was."""
        found = self._loads.get(instance)
        if found is None:
            return None
        came, reading = found
        return replace(reading, age_s=reading.age_s + self._clock.monotonic() - came)

    def _backend(self, backend: Backend) -> GatewayBackend:
        endpoint, speed = backend.endpoint, self._speed_of[backend.endpoint.variant]
        return GatewayBackend(
            instance=endpoint.instance,
            variant=endpoint.variant,
            url=endpoint.url,
            cost_s=speed.cost_s,
            takes_new=not backend.draining,
            prompt_token_s=speed.prompt_token_s,
        )

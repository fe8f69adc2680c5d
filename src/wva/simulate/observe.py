"""Observations of the simulated fleet, in the types that production fills."""

from collections.abc import Sequence

import numpy as np

from wva.engine.batch.state import PICOSECONDS
from wva.engine.server import BLOCK_TOKENS, Server
from wva.fleet.model import Model
from wva.fleet.observation import (
    CarrierTraits,
    ModelObservation,
    Observation,
    Traffic,
    Trigger,
    VariantObservation,
)
from wva.fleet.outcome import Outcome
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.simulate.body import SimulatedFleet
from wva.simulate.replicas import SimulatedReplica
from wva.simulate.scrape import ARRIVALS, ARRIVED_TOKENS, IN_FLIGHT, METRICS, QUEUED, empty_scrapes, gateway_rate, read_metrics, scrape
from wva.simulate.world import World

BYTES_PER_TOKEN = 4
"""Bytes of a request's body for each token of its prompt, as gateways estimate it."""

TRAITS = CarrierTraits(
    owner="wva", chooses_victims=False, drains=True, reaches_zero=True, restores=False
)
"""What the simulated body can do with a plan."""


def _seconds(time: int | None) -> float | None:
    return None if time is None else time / PICOSECONDS


class Observer:
    """Scrapes the fleet and says what a policy can see of it."""

    def __init__(
        self,
        world: World,
        fleet: SimulatedFleet,
        models: Sequence[Model],
        servers: Sequence[Server],
        scrape_interval_s: float,
        configuration: str,
    ) -> None:
        """``servers`` are in the order of the fleet's variants; ``configuration`` is the digest to report."""
        self._world = world
        self._fleet = fleet
        self._models = tuple(models)
        self._kv_tokens = [server.kv_blocks * BLOCK_TOKENS for server in servers]
        self._scrapes = empty_scrapes(len(world.due), len(models), scrape_interval_s)
        self._configuration = configuration
        self._accelerators = tuple(dict.fromkeys(variant.accelerator for variant in fleet.variants))
        self._serving = np.zeros(len(world.due), np.bool_)
        self._scraped_at: int | None = None
        self._count = 0

    def scrape(self, now: int) -> None:
        """Take a sample of everything that serves."""
        self._serving[:] = False
        self._serving[[replica.row for replica in self._fleet.replicas if replica.row is not None]] = True
        scrape(self._world, self._scrapes, self._serving, now)
        self._scraped_at = now

    def load(self) -> tuple[list[float], list[float]]:
        """(requests in flight, requests held at the gateway) of each model at the newest scrape."""
        newest = self._scrapes.gateway[self._scrapes.position[0]]
        return newest[:, IN_FLIGHT].tolist(), newest[:, QUEUED].tolist()

    def observe(self, now: int, outcomes: tuple[Outcome, ...]) -> Observation:
        """What is known at ``now``."""
        self._count += 1
        shown = self._replicas(now)
        variants = tuple(
            VariantObservation(
                variant=variant,
                desired=self._fleet.desired(index),
                ready=sum(replica.phase is Phase.READY for replica in shown[index]),
                revision="1",
                traits=TRAITS,
                replicas=tuple(shown[index]),
            )
            for index, variant in enumerate(self._fleet.variants)
        )
        return Observation(
            id=f"observation-{self._count}",
            now=now / PICOSECONDS,
            trigger=Trigger.INTERVAL,
            scope=tuple(model.name for model in self._models),
            models=tuple(
                ModelObservation(model, self._traffic(index, now)) for index, model in enumerate(self._models)
            ),
            variants=variants,
            inventory=self._fleet.stock.inventory(self._accelerators),
            outcomes=outcomes,
            configuration=self._configuration,
        )

    def _replicas(self, now: int) -> list[list[Replica]]:
        """The replicas of each variant, with the metrics of those that were scraped."""
        replicas = self._fleet.replicas
        rows = np.array([r.row for r in replicas if r.row is not None], np.int64)
        table = np.empty((len(rows), METRICS))
        read_metrics(self._scrapes, rows, table)
        values = iter(table.tolist())
        age = 0.0 if self._scraped_at is None else (now - self._scraped_at) / PICOSECONDS
        shown: list[list[Replica]] = [[] for _ in self._fleet.variants]
        for replica in replicas:
            metrics = None
            if replica.row is not None:
                row = next(values)
                if row[0] == row[0]:
                    metrics = InstanceMetrics(age, *[value if value == value else None for value in row])
            shown[replica.variant].append(self._replica(replica, metrics))
        return shown

    def _replica(self, replica: SimulatedReplica, metrics: InstanceMetrics | None) -> Replica:
        capacity = self._kv_tokens[replica.variant] if metrics is not None else None
        serves = replica.phase in (Phase.READY, Phase.DRAINING)
        return Replica(
            id=replica.id,
            phase=replica.phase,
            reason=replica.reason,
            since=replica.since / PICOSECONDS,
            ordered_at=replica.ordered_at / PICOSECONDS,
            started_at=_seconds(replica.started_at),
            ready_at=_seconds(replica.ready_at) if serves else None,
            revision="1",
            instances=(Instance(replica.id, capacity, metrics),),
        )

    def _traffic(self, model: int, now: int) -> Traffic | None:
        if self._scraped_at is None:
            return None
        arrivals, tokens, failed, queued, queued_tokens, in_flight = self._scrapes.gateway[self._scrapes.position[0], model].tolist()
        token_rate_1m = gateway_rate(self._scrapes, model, ARRIVED_TOKENS, 60.0)
        token_rate_5m = gateway_rate(self._scrapes, model, ARRIVED_TOKENS, 300.0)
        return Traffic(
            age_s=(now - self._scraped_at) / PICOSECONDS,
            arrivals_total=arrivals,
            arrived_bytes_total=tokens * BYTES_PER_TOKEN,
            failed_total=failed,
            arrival_rate_1m=gateway_rate(self._scrapes, model, ARRIVALS, 60.0),
            arrival_rate_5m=gateway_rate(self._scrapes, model, ARRIVALS, 300.0),
            arrived_bytes_rate_1m=None if token_rate_1m is None else token_rate_1m * BYTES_PER_TOKEN,
            arrived_bytes_rate_5m=None if token_rate_5m is None else token_rate_5m * BYTES_PER_TOKEN,
            in_flight=in_flight,
            queue_requests=queued,
            queue_bytes=queued_tokens * BYTES_PER_TOKEN,
        )

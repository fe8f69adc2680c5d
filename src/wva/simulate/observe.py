"""Observations of the simulated fleet, in the types that production fills."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import BUSY, PICOSECONDS, SATURATED
from wva.engine.server import BLOCK_TOKENS, Server
from wva.fleet.model import Model
from wva.fleet.observation import ModelObservation, Observation, Traffic, Trigger
from wva.fleet.outcome import Outcome
from wva.fleet.replica import InstanceMetrics
from wva.simulate.body import SimulatedFleet
from wva.simulate.roster import Roster
from wva.simulate.scrape import (
    IN_FLIGHT,
    METRICS,
    QUEUED,
    TRAFFIC,
    empty_scrapes,
    read_metrics,
    read_traffic,
    scrape,
)
from wva.simulate.world import World

BYTES_PER_TOKEN = 4
"""Bytes of a request's body for each token of its prompt, as gateways estimate it."""


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
        self._scope = tuple(model.name for model in models)
        self._kv_tokens = [server.kv_blocks * BLOCK_TOKENS for server in servers]
        self._scrapes = empty_scrapes(len(world.due), len(models), scrape_interval_s)
        self._configuration = configuration
        self._accelerators = tuple(dict.fromkeys(variant.accelerator for variant in fleet.variants))
        self._serving = np.zeros(len(world.due), np.bool_)
        self._roster = Roster(fleet, self._kv_tokens)
        self._scraped_at: int | None = None
        self._count = 0

    def scrape(self, now: int) -> None:
        """Take a sample of everything that serves."""
        self._serving[:] = False
        self._serving[self._current_roster().rows] = True
        scrape(self._world, self._scrapes, self._serving, now)
        self._scraped_at = now

    def load(self) -> tuple[list[float], list[float]]:
        """(requests in flight, requests held at the gateway) of each model at the newest scrape."""
        newest = self._scrapes.gateway[self._scrapes.position[0]]
        return newest[:, IN_FLIGHT].tolist(), newest[:, QUEUED].tolist()

    def work(self) -> tuple[list[float], list[float]]:
        """(busy, saturated) picoseconds of the engine in each row, up to the newest scrape; NaN where none serves."""
        newest = self._scrapes.samples[self._scrapes.position[0], : self._world.clock["rows"][0]]
        return newest[:, BUSY].tolist(), newest[:, SATURATED].tolist()

    def observe(self, now: int, outcomes: tuple[Outcome, ...]) -> Observation:
        """What is known at ``now``."""
        self._count += 1
        age = None if self._scraped_at is None else (now - self._scraped_at) / PICOSECONDS
        return Observation(
            id=f"observation-{self._count}",
            now=now / PICOSECONDS,
            trigger=Trigger.INTERVAL,
            scope=self._scope,
            models=self._model_observations(age),
            variants=self._current_roster().observe(self._metrics(age)),
            inventory=self._fleet.stock.inventory(self._accelerators),
            outcomes=outcomes,
            configuration=self._configuration,
        )

    def _current_roster(self) -> Roster:
        if self._roster.revision != self._fleet.revision:
            self._roster = Roster(self._fleet, self._kv_tokens)
        return self._roster

    def _metrics(self, age: float | None) -> list[InstanceMetrics | None]:
        """The metrics of each row of the roster; ``None`` where it was not scraped at the newest scrape."""
        rows = self._current_roster().rows
        if age is None:
            return [None] * len(rows)
        table = np.empty((len(rows), METRICS))
        read_metrics(self._scrapes, rows, table)
        # A scrape knows how many requests are running, so without that number there was none.
        return [None if row[0] is None else InstanceMetrics(age, *row) for row in _known(table)]

    def _model_observations(self, age: float | None) -> tuple[ModelObservation, ...]:
        if age is None:
            return tuple(ModelObservation(model, None) for model in self._models)
        table = np.empty((len(self._models), TRAFFIC))
        read_traffic(self._scrapes, table)
        return tuple(
            ModelObservation(model, _traffic(age, row)) for model, row in zip(self._models, _known(table), strict=True)
        )


def _known(table: NDArray[np.float64]) -> list[list[float | None]]:
    """The rows, with ``None`` for NaN."""
    cells = table.astype(object)
    cells[np.isnan(table)] = None
    known: list[list[float | None]] = cells.tolist()
    return known


def _traffic(age: float, row: Sequence[float | None]) -> Traffic:
    arrivals, tokens, failed, rate_1m, rate_5m, token_rate_1m, token_rate_5m = row[:7]
    in_flight, queued, queued_tokens, ttft_p90, tpot_p90 = row[7:]
    return Traffic(
        age_s=age,
        arrivals_total=arrivals,
        arrived_bytes_total=_bytes(tokens),
        failed_total=failed,
        arrival_rate_1m=rate_1m,
        arrival_rate_5m=rate_5m,
        arrived_bytes_rate_1m=_bytes(token_rate_1m),
        arrived_bytes_rate_5m=_bytes(token_rate_5m),
        in_flight=in_flight,
        queue_requests=queued,
        queue_bytes=_bytes(queued_tokens),
        ttft_p90_1m_s=ttft_p90,
        tpot_p90_1m_s=tpot_p90,
    )


def _bytes(tokens: float | None) -> float | None:
    return None if tokens is None else tokens * BYTES_PER_TOKEN

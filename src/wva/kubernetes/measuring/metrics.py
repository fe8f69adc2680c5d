"""Joins what pods, endpoint pickers and a Prometheus server say into the readings that a decision takes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from threading import Lock

from wva.control.seams import Metrics
from wva.fleet.clock import Clock
from wva.fleet.observation import Traffic
from wva.fleet.readings import Endpoint, Readings
from wva.kubernetes.measuring.front import Front
from wva.prometheus.engine_traffic import EngineTraffic, completed


class ClusterMetrics:
    """Reads a fleet in a cluster: a ``wva.control.seams.Metrics``.

    Of a model's traffic its endpoint pickers know best, because they are asked directly; what they do not say, the
    Prometheus server may; and where neither counts arrivals, the engines tell them.
    """

    def __init__(self, engines: Metrics, front: Front, clock: Clock, on_read: Callable[[Readings], None]) -> None:
        """``engines`` reads pods, and traffic where it knows it; ``on_read`` is told of all readings, in a thread."""
        self._engines = engines
        self._front = front
        self._clock = clock
        self._on_read = on_read
        self._arrivals = EngineTraffic()
        self._joining = Lock()
        """A reading that nobody waits for any longer is still joined."""

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Give the newest readings with their ages."""
        readings, asked = await asyncio.gather(self._engines.read(endpoints, models), self._front.read(models))
        # Of thousands of pods this takes longer than others may wait for the event loop.
        return await asyncio.to_thread(self._joined, endpoints, models, readings, asked)

    def _joined(
        self, endpoints: Sequence[Endpoint], models: Sequence[str], readings: Readings, asked: Mapping[str, Traffic]
    ) -> Readings:
        with self._joining:
            told = self._arrivals.update(endpoints, readings.instances, self._clock.monotonic())
            traffic: Mapping[str, Traffic | None] = {
                model: completed(
                    asked.get(model) or readings.traffic.get(model),
                    told.get(model),
                    in_front=model in self._front.models,
                )
                for model in models
            }
            known = {model: seen for model, seen in traffic.items() if seen is not None}
            joined = Readings(readings.instances, known)
            self._on_read(joined)
            return joined

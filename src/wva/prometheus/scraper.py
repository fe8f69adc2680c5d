"""Measures a fleet by asking replicas and the gateway for their metrics, all at once and often.

Every page tells whoever routes how loaded a replica is now. Of these, one every ``sample_s`` enters the windows that
policies decide by, so that how often routing looks does not change what they see; who needs one at once asks for it.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp

from wva.fleet.clock import Clock
from wva.fleet.readings import Endpoint, InstanceReading, LoadReading, Readings
from wva.prometheus.engine import Engine
from wva.prometheus.exposition import engine_points
from wva.prometheus.families import EngineColumn
from wva.prometheus.gateway_scraper import GatewayScraper, GatewayTarget
from wva.prometheus.points import Point, UnbelievableError, engine_sample, kv_capacity, waiting_for_capacity
from wva.prometheus.polling import Polling, PollingSettings, part_of, silent, tell
from wva.record.problems import Problems

OnReading = Callable[[str, LoadReading], None]
"""Told the id of an instance and how loaded it is now; all unknown where it says nothing that can be believed."""

GATEWAY = "the gateway"
"""What the one gateway of a fleet is called."""


@dataclass(frozen=True, slots=True)
class ScraperSettings:
    """How often everything is asked."""

    interval_s: float = 1.0
    """Seconds between scrapes of one target, on the clock that is given: routing uses them, so they are frequent."""
    sample_s: float | None = None
    """Seconds between the samples that enter the windows, and between those of the gateway; ``None`` takes every one.
    One that is early by less than half an interval counts as in time."""
    timeout_s: float = 1.0
    """Real seconds that a target has to answer."""

    @property
    def instances(self) -> PollingSettings:
        """How often instances are asked."""
        return PollingSettings(self.interval_s, self.timeout_s)

    @property
    def gateways(self) -> PollingSettings:
        """How often a gateway is asked."""
        return PollingSettings(self.sample_s or self.interval_s, self.timeout_s)


class Scraper:
    """Scrapes instances and a gateway on an interval while it is open; use it as an asynchronous context manager.

    A target that cannot be reached keeps its last reading, whose age grows. What answers nonsense is unknown until it
    answers sense. Neither delays any other.
    """

    def __init__(
        self,
        clock: Clock,
        gateway: str | None = None,
        settings: ScraperSettings | None = None,
        on_reading: OnReading | None = None,
        problems: Problems | None = None,
    ) -> None:
        """``gateway`` is the base of its addresses; without one all traffic is unknown.

        ``on_reading`` is called for every page of an instance, also for one that cannot be believed.
        """
        self.problems = Problems() if problems is None else problems
        self._clock = clock
        self._settings = settings or ScraperSettings()
        self._on_reading = on_reading
        self._endpoints: dict[str, Endpoint] = {}
        self._engines: dict[str, Engine] = {}
        self._polling = Polling(clock, self._settings.instances, self._ask)
        self._gateways = GatewayScraper(clock, self._settings.gateways, self.problems)
        self._gateways.follow([] if gateway is None else [GatewayTarget(GATEWAY, gateway)])

    async def __aenter__(self) -> Self:
        await self._polling.__aenter__()
        await self._gateways.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._gateways.__aexit__(kind, error, trace)
        await self._polling.__aexit__(kind, error, trace)

    def follow(self, endpoints: Sequence[Endpoint]) -> None:
        """Scrape these instances from now on, and forget all others. A new one is scraped at once."""
        self._endpoints = {endpoint.instance: endpoint for endpoint in endpoints}
        for gone in self._engines.keys() - self._endpoints.keys():
            del self._engines[gone]
            self.problems.solved(part_of(gone))
        self._polling.follow(self._endpoints)
        for name, endpoint in self._endpoints.items():
            if name not in self._engines:
                self._engines[name] = Engine()
                self._polling.begin(name, self._scrape(endpoint))

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Give the newest readings with their ages, after a first scrape of what was never scraped."""
        self.follow(endpoints)
        await self._polling.first()
        seen = await self._gateways.read(models)
        # Whoever waited for a first scrape may find that others follow no longer what has gone meanwhile.
        return Readings(self.readings(endpoint.instance for endpoint in endpoints), seen)

    def readings(self, instances: Iterable[str]) -> dict[str, InstanceReading]:
        """The newest readings of some of those that are followed, with their ages."""
        now = self._clock.monotonic()
        known = {name: self._engines.get(name) for name in instances}
        return {name: engine.reading(now) for name, engine in known.items() if engine is not None}

    async def sample(self, instances: Collection[str]) -> None:
        """Scrape some of those that are followed now, wait for them, and have what they say enter the windows."""
        await self._polling.ended(instances)
        for name in instances:
            if (endpoint := self._endpoints.get(name)) is not None:
                self._polling.begin(name, self._scrape(endpoint, wanted=True))
        await self._polling.ended(instances)

    def _ask(self) -> None:
        for name, endpoint in self._endpoints.items():
            self._polling.begin(name, self._scrape(endpoint))

    def _is_sample(self, last: float | None) -> bool:
        """Whether what is asked now enters the windows, when ``last`` did."""
        if last is None or self._settings.sample_s is None:
            return True
        return self._clock.monotonic() - last > self._settings.sample_s - self._settings.interval_s / 2

    async def _scrape(self, endpoint: Endpoint, *, wanted: bool = False) -> None:
        asked = self._clock.monotonic()
        engine = self._engines.get(endpoint.instance)
        if engine is None:
            return
        is_sample = wanted or not engine.believed or self._is_sample(engine.time)
        problem = None
        load: LoadReading | None = None
        try:
            points = engine_points(await self._polling.page(endpoint.url))
            columns = engine_sample(points)
            engine.kv_capacity_tokens = kv_capacity(points) or engine.kv_capacity_tokens
            if is_sample:
                engine.add(asked, columns)
            load = _load(self._clock.monotonic() - asked, columns, points, engine.kv_capacity_tokens)
        except UnbelievableError as error:
            problem = f"{endpoint.url}: {error}"
            engine.disbelieve()
            load = LoadReading(0.0)
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            problem = silent(endpoint.url, error)
        if self._engines.get(endpoint.instance) is not engine:
            return
        self.problems.settle(part_of(endpoint.instance), problem)
        if load is not None:
            tell(self._on_reading, endpoint.instance, load)


def _load(age_s: float, columns: Sequence[float], points: Sequence[Point], kv_tokens: int | None) -> LoadReading:
    running, waiting, usage = (
        None if math.isnan(columns[column]) else columns[column]
        for column in (EngineColumn.RUNNING, EngineColumn.WAITING, EngineColumn.KV_USAGE)
    )
    return LoadReading(age_s, running, waiting, usage, kv_tokens, waiting_for_capacity(points))

"""Measures a fleet by asking replicas and the gateway for their metrics, all at once and often.

Every page tells whoever routes how loaded a replica is now; of these, one every ``sample_s`` enters the windows that
policies decide by, so that how often routing looks does not change what they see.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from wva.fleet.clock import Clock
from wva.fleet.observation import Traffic
from wva.fleet.readings import Endpoint, LoadReading, Readings
from wva.prometheus.engine import Engine
from wva.prometheus.exposition import engine_points, gateway_points
from wva.prometheus.families import EngineColumn
from wva.prometheus.gateway import GatewayModel, traffic
from wva.prometheus.points import (
    Point,
    UnbelievableError,
    engine_sample,
    gateway_samples,
    kv_capacity,
    waiting_for_capacity,
)
from wva.record.problems import Problems

OnReading = Callable[[str, LoadReading], None]
"""Told the id of an instance and how loaded it is now; all unknown where it says nothing that can be believed."""

LARGEST_PAGE = 16 * 2**20
"""Bytes of /metrics beyond which a page is given up: a vLLM server shows about a hundred KiB."""

GATEWAY = "the gateway"
"""Stands among the ids of instances for the gateway."""

_log = logging.getLogger("wva")


@dataclass(frozen=True, slots=True)
class ScraperSettings:
    """How often everything is asked."""

    interval_s: float = 1.0
    """Seconds between scrapes of one target, on the clock that is given: routing uses them, so they are frequent."""
    sample_s: float | None = None
    """Seconds between the samples that enter the windows, and between those of the gateway; ``None`` takes every one.
    One that is early by less than half an interval counts as in time."""
    timeout_s: float = 1.0
    """Real seconds that a target has to answer: a page is made in milliseconds, and what is late is of no use."""


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
        self._gateway = gateway
        self._settings = settings or ScraperSettings()
        self._on_reading = on_reading
        self._endpoints: dict[str, Endpoint] = {}
        self._engines: dict[str, Engine] = {}
        self._models: dict[str, GatewayModel] = {}
        self._gateway_believed = False
        self._gateway_asked: float | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._tried: set[str] = set()
        """Targets whose first scrape has ended, well or not."""
        self._session: aiohttp.ClientSession | None = None
        self._rounds: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        if self._gateway is not None:
            self._begin(GATEWAY, self._scrape_gateway(self._gateway))
        self._rounds = asyncio.create_task(self._scrape_for_ever(), name="scraper")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [task for task in (self._rounds, *self._under_way.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def follow(self, endpoints: Sequence[Endpoint]) -> None:
        """Scrape these instances from now on, and forget all others. A new one is scraped at once."""
        self._endpoints = {endpoint.instance: endpoint for endpoint in endpoints}
        for gone in self._engines.keys() - self._endpoints.keys():
            del self._engines[gone]
            self._tried.discard(gone)
            self.problems.solved(_part(gone))
        for name, endpoint in self._endpoints.items():
            if name not in self._engines:
                self._engines[name] = Engine()
                self._begin(name, self._scrape_instance(endpoint))

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Give the newest readings with their ages, after a first scrape of what was never scraped."""
        self.follow(endpoints)
        first = [task for name, task in self._under_way.items() if name not in self._tried]
        if first:
            await asyncio.wait(first)
        now = self._clock.monotonic()
        # Whoever waited for a first scrape may find that others follow no longer what has gone meanwhile.
        known = {endpoint.instance: self._engines.get(endpoint.instance) for endpoint in endpoints}
        return Readings(
            {name: engine.reading(now) for name, engine in known.items() if engine is not None},
            self._traffic(models, now),
        )

    def _traffic(self, models: Sequence[str], now: float) -> Mapping[str, Traffic]:
        if not self._gateway_believed:
            return {}
        known = {model: traffic([self._models[model]], now) for model in models if model in self._models}
        return {model: seen for model, seen in known.items() if seen is not None}

    async def _scrape_for_ever(self) -> None:
        due = self._clock.monotonic()
        while True:
            for name, endpoint in self._endpoints.items():
                self._begin(name, self._scrape_instance(endpoint))
            if self._gateway is not None and self._is_sample(self._gateway_asked):
                self._begin(GATEWAY, self._scrape_gateway(self._gateway))
            due = max(due + self._settings.interval_s, self._clock.monotonic())
            await self._clock.sleep(due - self._clock.monotonic())

    def _is_sample(self, last: float | None) -> bool:
        """Whether what is asked now enters the windows, when ``last`` did."""
        if last is None or self._settings.sample_s is None:
            return True
        return self._clock.monotonic() - last > self._settings.sample_s - self._settings.interval_s / 2

    def _begin(self, name: str, scrape: Coroutine[Any, Any, None]) -> None:
        """Start a scrape, unless the target's last one is still under way."""
        if name in self._under_way or self._session is None:
            scrape.close()
            return
        task = asyncio.create_task(scrape, name=f"scrape {name}")
        self._under_way[name] = task
        task.add_done_callback(lambda _: self._end(name))

    def _end(self, name: str) -> None:
        del self._under_way[name]
        if name == GATEWAY or name in self._endpoints:
            self._tried.add(name)

    async def _scrape_instance(self, endpoint: Endpoint) -> None:
        asked = self._clock.monotonic()
        engine = self._engines.get(endpoint.instance)
        if engine is None:
            return
        is_sample = not engine.believed or self._is_sample(engine.time)
        problem = None
        load: LoadReading | None = None
        try:
            points = engine_points(await self._page(endpoint.url))
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
            problem = f"{endpoint.url} does not give its metrics: {_text(error)}"
        if self._engines.get(endpoint.instance) is not engine:
            return
        self.problems.settle(_part(endpoint.instance), problem)
        if load is not None:
            self._tell(endpoint.instance, load)

    async def _scrape_gateway(self, url: str) -> None:
        asked = self._gateway_asked = self._clock.monotonic()
        problem = None
        try:
            samples = gateway_samples(gateway_points(await self._page(url)))
            for model, sample in samples.items():
                self._models.setdefault(model, GatewayModel()).add(asked, sample)
            for gone in self._models.keys() - samples.keys():
                del self._models[gone]
            self._gateway_believed = True
        except UnbelievableError as error:
            problem = f"{url}: {error}"
            self._gateway_believed = False
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            problem = f"{url} does not give its metrics: {_text(error)}"
        self.problems.settle(_part(GATEWAY), problem)

    async def _page(self, url: str) -> bytes:
        assert self._session is not None
        async with self._session.get(f"{url}/metrics", allow_redirects=False) as response:
            if response.status != 200:
                raise aiohttp.ClientPayloadError(f"HTTP {response.status}")
            parts: list[bytes] = []
            size = 0
            async for part in response.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > LARGEST_PAGE:
                    raise UnbelievableError(f"its metrics are longer than {LARGEST_PAGE // 2**20} MiB")
            return b"".join(parts)

    def _tell(self, instance: str, reading: LoadReading) -> None:
        if self._on_reading is None:
            return
        try:
            self._on_reading(instance, reading)
        except Exception:
            # Whoever listens must not end the measuring.
            _log.exception("a listener to readings failed")


def _load(age_s: float, columns: Sequence[float], points: Sequence[Point], kv_tokens: int | None) -> LoadReading:
    running, waiting, usage = (
        None if math.isnan(columns[column]) else columns[column]
        for column in (EngineColumn.RUNNING, EngineColumn.WAITING, EngineColumn.KV_USAGE)
    )
    return LoadReading(age_s, running, waiting, usage, kv_tokens, waiting_for_capacity(points))


def _part(target: str) -> str:
    """What a target's problems are called."""
    return f"scrape of {target}"


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__

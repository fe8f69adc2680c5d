"""Measures a fleet by what a Prometheus server has scraped of it.

One query for each metric brings the raw samples of the whole fleet that are new since the last turn, all as of one
instant of the server's clock. Raw samples carry their own times, so ages are true (what ``time() - max by (...)
(timestamp(...))`` answers), and windows are taken over them by the same code as over direct scrapes: no rate is
extrapolated, and a young replica's is unknown until two samples say it.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from wva.fleet.clock import Clock
from wva.fleet.observation import Traffic
from wva.fleet.readings import Endpoint, InstanceReading, Readings
from wva.prometheus.connection import Connection, PrometheusApi, RefusedError
from wva.prometheus.engine import Engine
from wva.prometheus.families import CACHE_CONFIG, ENGINE, GATEWAY, TPOT_BUCKETS, TTFT_BUCKETS, Names
from wva.prometheus.gateway import GatewayModel, traffic
from wva.prometheus.history import LONG_S
from wva.prometheus.points import Point, UnbelievableError, engine_sample, gateway_samples, kv_capacity
from wva.record.problems import Problems

LATE_S = 30.0
"""Seconds before the last turn from which samples are asked for again: some reach the server late."""

STORING_S = 10.0
"""Seconds that a scrape may take until it is stored: Prometheus' own limit unless it is configured otherwise."""

PROMETHEUS = "prometheus"
"""Name of the server among the parts that can have problems."""


class JoinBy(StrEnum):
    """What of an instance the label of its series holds."""

    ADDRESS = "address"
    """Host and port of its URL."""
    ID = "id"
    """The instance's id, such as the name of its pod."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How series are told apart and joined with instances."""

    instance: str = "instance"
    """Label that names the scraped instance, of engines and of gateways."""
    join_by: JoinBy = JoinBy.ADDRESS
    scraped_by: tuple[str, ...] = ("job", "prometheus", "prometheus_replica")
    """Labels by which several scrapes of one instance differ. One of them is taken, never their sum."""
    selector: str = ""
    """More that series must have, as in PromQL: ``namespace="prod",cluster="eu"``."""


Sampled = dict[str, dict[tuple[float, str], list[Point]]]
"""By instance: the points of each scrape, by when it was and by whom, in the order of time."""


class PrometheusServer:
    """Reads a fleet from a Prometheus server; use it as an asynchronous context manager.

    It never fails: what a query does not bring is unknown, and what was known keeps its last reading, whose age grows
    until it is five minutes old and forgotten.
    """

    def __init__(
        self, connection: Connection, clock: Clock, labels: Labels | None = None, problems: Problems | None = None
    ) -> None:
        """Raises ``UserError`` where the connection's address or certificates are wrong."""
        self.problems = Problems() if problems is None else problems
        self._api = PrometheusApi(connection)
        self._timeout_s = connection.timeout_s
        self._clock = clock
        self._labels = labels or Labels()
        self._engines: dict[str, Engine] = {}
        self._gateways: dict[str, dict[str, GatewayModel]] = {}
        self._ahead: float | None = None
        """The server's clock minus the monotonic one; ``None`` before its first answer."""
        self._asked: float | None = None
        """When the last whole answer was as of, on the server's clock."""

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Ask for what is new, and give the newest readings with their ages."""
        problem = None
        try:
            async with asyncio.timeout(self._timeout_s):
                problem = await self._ask()
        except TimeoutError:
            problem = f"no answer within {self._timeout_s:g} s"
        except RefusedError as refused:
            problem = str(refused)
        self.problems.settle(PROMETHEUS, problem)
        if self._ahead is None:
            return Readings({}, {})
        now = self._clock.monotonic() + self._ahead
        self._forget(now)
        return Readings(self._instances(endpoints, now), self._traffic(models, now))

    def _instances(self, endpoints: Sequence[Endpoint], now: float) -> dict[str, InstanceReading]:
        found = {endpoint.instance: self._engines.get(self._joined(endpoint)) for endpoint in endpoints}
        return {name: engine.reading(now) for name, engine in found.items() if engine is not None}

    def _joined(self, endpoint: Endpoint) -> str:
        return endpoint.instance if self._labels.join_by is JoinBy.ID else urlsplit(endpoint.url).netloc

    def _traffic(self, models: Sequence[str], now: float) -> dict[str, Traffic]:
        gateways = self._gateways.values()
        known = {model: traffic([own[model] for own in gateways if model in own], now) for model in models}
        return {model: seen for model, seen in known.items() if seen is not None}

    async def _ask(self) -> str | None:
        """Take in what is new; give the problem of the first query that failed, if any did."""
        headers = self._api.authorization()
        before = self._clock.monotonic()
        at = _instant(await self._api.query("time()", headers))
        # As if the answer took no time to come, so that nothing looks younger than it is.
        self._ahead = at - before
        window = LONG_S if self._asked is None else min(LONG_S, max(0.0, at - self._asked) + LATE_S)
        seconds = math.ceil(window) + 1
        asked = [self._selected(names, seconds) for names in (*ENGINE.values(), *GATEWAY.values())]
        asked += [self._selected((name,), seconds) for name in (TTFT_BUCKETS, TPOT_BUCKETS)]
        asked.append(self._selected((CACHE_CONFIG,)))
        answers = await asyncio.gather(*(self._api.query(one, headers, at) for one in asked), return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if len(failures) == len(answers):
            raise failures[0]
        engines, gateways = answers[: len(ENGINE)], answers[len(ENGINE) : -1]
        unbelievable = self._take_engines(_stored(self._sampled(engines), at))
        unbelievable += self._take_gateways(_stored(self._sampled(gateways), at))
        self._take_capacities(self._sampled(answers[-1:]))
        if not failures:
            self._asked = at
        problems = [str(failure) for failure in failures] + unbelievable
        return problems[0] if problems else None

    def _selected(self, names: Names, seconds: int | None = None) -> str:
        """A selector for all series of a metric, by any of its names; their samples of so many seconds, or the last."""
        matcher = f'__name__=~"{"|".join(names)}"' if len(names) > 1 else f'__name__="{names[0]}"'
        more = f",{self._labels.selector}" if self._labels.selector else ""
        return f"{{{matcher}{more}}}" + ("" if seconds is None else f"[{seconds}s]")

    def _sampled(self, answers: Iterable[Any]) -> Sampled:
        """What the queries brought. Raises ``RefusedError`` where an answer is no list of series."""
        sampled: dict[str, dict[tuple[float, str], list[Point]]] = {}
        series = [one for answer in answers if not isinstance(answer, BaseException) for one in answer]
        try:
            for one in series:
                labels: Mapping[str, str] = one["metric"]
                name, instance = labels["__name__"], labels.get(self._labels.instance)
                if instance is None:
                    continue
                scraped_by = "\n".join(labels.get(label, "") for label in self._labels.scraped_by)
                scrapes = sampled.setdefault(instance, {})
                for time, value in one.get("values") or [one["value"]]:
                    point = Point(name, labels, float(value))
                    scrapes.setdefault((float(time), scraped_by), []).append(point)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RefusedError(f"its answer cannot be read: {error!r}") from error
        return {instance: dict(sorted(scrapes.items())) for instance, scrapes in sampled.items()}

    def _take_engines(self, sampled: Sampled) -> list[str]:
        problems = []
        for instance, samples in sampled.items():
            engine = self._engines.setdefault(instance, Engine())
            for (time, _), points in samples.items():
                if engine.time is not None and time <= engine.time:
                    continue
                try:
                    engine.add(time, engine_sample(points))
                except UnbelievableError as error:
                    engine.disbelieve()
                    problems.append(f"{instance}: {error}")
        return problems

    def _take_gateways(self, sampled: Sampled) -> list[str]:
        problems = []
        for instance, samples in sampled.items():
            gateway = self._gateways.setdefault(instance, {})
            for (time, _), points in samples.items():
                try:
                    for model, sample in gateway_samples(points).items():
                        gateway.setdefault(model, GatewayModel()).add(time, sample)
                except UnbelievableError as error:
                    gateway.clear()
                    problems.append(f"{instance}: {error}")
        return problems

    def _take_capacities(self, sampled: Sampled) -> None:
        for instance, samples in sampled.items():
            if instance in self._engines:
                for points in samples.values():
                    self._engines[instance].kv_capacity_tokens = kv_capacity(points)

    def _forget(self, now: float) -> None:
        """Let go of what was not seen for as long as the longest window."""
        for instance, engine in list(self._engines.items()):
            if engine.time is None or now - engine.time > LONG_S:
                del self._engines[instance]
        for instance, models in list(self._gateways.items()):
            for model, seen in list(models.items()):
                if now - seen.time > LONG_S:
                    del models[model]
            if not models:
                del self._gateways[instance]


def _stored(sampled: Sampled, at: float) -> Sampled:
    """Without the scrapes that were stored while the queries ran, so that some found them and others did not.

    Such a scrape is new and lacks metrics that the same scraper's last one had. It is whole by the next turn.
    """
    whole: Sampled = {}
    for instance, scrapes in sampled.items():
        names_before: dict[str, set[str]] = {}
        own = whole.setdefault(instance, {})
        for (time, scraped_by), points in scrapes.items():
            names = {point.name for point in points}
            if time > at - STORING_S and names < names_before.get(scraped_by, set()):
                continue
            names_before[scraped_by] = names
            own[time, scraped_by] = points
    return whole


def _instant(result: Any) -> float:
    """The value of a scalar. Raises ``RefusedError`` where it is none."""
    try:
        return float(result[1])
    except (TypeError, ValueError, IndexError) as error:
        raise RefusedError(f"it does not know its time: {result!r}") from error

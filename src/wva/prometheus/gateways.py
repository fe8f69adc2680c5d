"""The gateways of a whole fleet, from what a Prometheus server has of them.

Answers are gathered one by one; then all of them are taken at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wva.fleet.observation import Traffic
from wva.prometheus.gateway import GatewayModel, traffic
from wva.prometheus.history import LONG_S
from wva.prometheus.labels import Labels
from wva.prometheus.points import Point, UnbelievableError, gateway_sample
from wva.prometheus.series import Progress, SeriesReader
from wva.prometheus.storing import STORING_S

_Scrape = tuple[float, str]
"""When, and by whom."""


@dataclass(slots=True)
class _Gateway:
    """One gateway."""

    name: str
    models: dict[str, GatewayModel] = field(default_factory=dict)
    scrapes: dict[_Scrape, dict[str, list[Point]]] = field(default_factory=dict)
    """What was gathered and not taken, by model."""
    had: dict[str, set[str]] = field(default_factory=dict)
    """The metrics that each scraper's last scrape had."""

    @property
    def time(self) -> float:
        """When its newest sample was taken."""
        return max((model.time for model in self.models.values()), default=0.0)


@dataclass(slots=True)
class _Series(Progress):
    """Series of a gateway with the same labels."""

    gateway: _Gateway
    model: str
    scraped_by: str
    labels: dict[str, str]


class Gateways:
    """What is known of all gateways."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._gateways: dict[str, _Gateway] = {}
        self._series = SeriesReader(self._belongs)
        self._touched: list[_Series] = []
        """Of what was gathered."""
        self._answered: set[str] = set()

    def begin(self) -> None:
        """Forget what was gathered and not taken."""
        self._answered, self._touched = set(), []
        for gateway in self._gateways.values():
            gateway.scrapes = {}

    def gather(self, names: Iterable[str], body: bytes) -> None:
        """Read an answer about these metrics. Raises ``RefusedError`` where it cannot be read."""
        found = self._series.read(body)
        names = (name for name, count in found.names for _ in range(count))
        for name, one, time, value in zip(names, found.of, found.times.tolist(), found.values.tolist(), strict=True):
            scrape = one.gateway.scrapes.setdefault((time, one.scraped_by), {})
            scrape.setdefault(one.model, []).append(Point(name, one.labels, value))
        self._touched += found.of
        self._answered.update(names)

    def take(self, at: float) -> list[str]:
        """Take in what was gathered, as of an instant of the server; give what cannot be so, one line each."""
        problems = []
        for gateway in self._gateways.values():
            for (time, scraped_by), models in sorted(gateway.scrapes.items(), key=lambda scrape: scrape[0]):
                has = {point.name for points in models.values() for point in points}
                had = gateway.had.get(scraped_by, set()) & self._answered
                if time > at - STORING_S and has < had:
                    continue
                gateway.had[scraped_by] = has
                try:
                    found = {model: gateway_sample(points) for model, points in models.items()}
                except UnbelievableError as error:
                    gateway.models.clear()
                    problems.append(f"{gateway.name}: {error}")
                    continue
                for model, whole in found.items():
                    gateway.models.setdefault(model, GatewayModel()).add(time, whole)
        times = {name: gateway.time for name, gateway in self._gateways.items()}
        for one in self._touched:
            if one.time <= times[one.gateway.name]:
                one.pass_over()
        self.begin()
        return problems

    def traffic(self, models: Sequence[str], now: float) -> dict[str, Traffic]:
        """The traffic of those of these models that some gateway knows."""
        by_model: dict[str, list[GatewayModel]] = {}
        for gateway in self._gateways.values():
            for model, seen in gateway.models.items():
                by_model.setdefault(model, []).append(seen)
        known = {model: traffic(by_model[model], now) for model in models if model in by_model}
        return {model: seen for model, seen in known.items() if seen is not None}

    def forget(self, now: float) -> None:
        """Let go of what was not seen for as long as the longest window."""
        gone = set()
        for name, gateway in self._gateways.items():
            gateway.models = {model: seen for model, seen in gateway.models.items() if now - seen.time <= LONG_S}
            if not gateway.models:
                gone.add(name)
        if gone:
            self._gateways = {name: gateway for name, gateway in self._gateways.items() if name not in gone}
            self._series.forget(lambda one: one.gateway.name in gone)

    def _belongs(self, labels: dict[str, str]) -> _Series | None:
        name, model = labels.get(self._labels.instance), self._labels.model(labels)
        if name is None or model is None:
            return None
        gateway = self._gateways.setdefault(name, _Gateway(name))
        return _Series(gateway, model, self._labels.scraper(labels), labels)

"""The gateways of a whole fleet, from what a Prometheus server has of them.

Answers are gathered one by one; then all of them are taken at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wva.fleet.observation import Traffic
from wva.prometheus.answer import labels_of, mark, sample, samples, series, unreadable
from wva.prometheus.gateway import GatewayModel, traffic
from wva.prometheus.history import LONG_S
from wva.prometheus.labels import Labels
from wva.prometheus.points import Point, UnbelievableError, gateway_sample
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
class _Series:
    """One series of a gateway."""

    gateway: _Gateway
    model: str
    scraped_by: str
    labels: dict[str, str]
    mark: bytes | None = None
    newest: bytes = b""
    time: float = 0.0
    """Of its newest sample."""


class Gateways:
    """What is known of all gateways."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._gateways: dict[str, _Gateway] = {}
        self._series: dict[bytes, _Series | None] = {}
        """By their labels; ``None`` for those of no gateway or no model."""
        self._answered: set[str] = set()

    def begin(self) -> None:
        """Forget what was gathered and not taken."""
        self._answered = set()
        for gateway in self._gateways.values():
            gateway.scrapes = {}

    def gather(self, names: Iterable[str], body: bytes) -> None:
        """Read an answer about these metrics. Raises ``RefusedError`` where it cannot be read."""
        try:
            for raw, text, texts in series(body):
                known = self._series.get(text, _UNSEEN)
                one = self._seen(text) if known is _UNSEEN else known
                if not isinstance(one, _Series):
                    continue
                name = raw.decode()
                scrapes = one.gateway.scrapes
                for each in samples(texts, one.mark):
                    one.time, value = sample(each)
                    one.newest = each
                    own = scrapes.setdefault((one.time, one.scraped_by), {})
                    own.setdefault(one.model, []).append(Point(name, one.labels, value))
        except ValueError as error:
            raise unreadable(error) from error
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
                for model, one in found.items():
                    gateway.models.setdefault(model, GatewayModel()).add(time, one)
        for each in self._series.values():
            if each is not None and each.newest and each.time <= each.gateway.time:
                each.mark, each.newest = mark(each.newest), b""
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
            self._series = {
                text: each for text, each in self._series.items() if each is not None and each.gateway.name not in gone
            }

    def _seen(self, text: bytes) -> _Series | None:
        """A series whose labels were not seen before."""
        labels = labels_of(text)
        name, model = labels.get(self._labels.instance), self._labels.model(labels)
        found = None
        if name is not None and model is not None:
            gateway = self._gateways.setdefault(name, _Gateway(name))
            found = _Series(gateway, model, self._labels.scraper(labels), labels)
        self._series[text] = found
        return found


_UNSEEN = object()
"""Stands for what is not there, where ``None`` is."""

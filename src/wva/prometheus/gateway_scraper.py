"""Measures the traffic of models by asking gateways, or endpoint pickers, for their metrics."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from wva.fleet.clock import Clock
from wva.fleet.observation import Traffic
from wva.prometheus.exposition import gateway_points
from wva.prometheus.families import GatewayColumn
from wva.prometheus.gateway import GatewayModel, traffic
from wva.prometheus.points import UnbelievableError, gateway_samples
from wva.prometheus.polling import Polling, PollingSettings, part_of, silent, tell
from wva.record.problems import Problems

OnQueue = Callable[[str, float], None]
"""Told the name of a model and how many of its requests a gateway holds, for every page that says so."""


@dataclass(frozen=True, slots=True)
class GatewayTarget:
    """Where a gateway shows the traffic of models."""

    id: str
    url: str
    """Base of its addresses."""
    namespace: str | None = None
    """Where it is given, the fleet calls a model ``namespace/name``."""
    token: str | None = None
    """A bearer token to show."""
    token_file: Path | None = None
    """Where one is, read again for every question because cluster tokens rotate; goes before ``token``."""
    interval_s: float | None = None
    """Seconds between questions; ``None`` asks in every round."""


class GatewayScraper:
    """Asks gateways on an interval while it is open; use it as an asynchronous context manager.

    One that cannot be reached keeps its last figures, whose age grows. What answers nonsense is unknown until it
    answers sense.
    """

    def __init__(
        self, clock: Clock, settings: PollingSettings, problems: Problems, on_queue: OnQueue | None = None
    ) -> None:
        """Follow none yet."""
        self.problems = problems
        self._clock = clock
        self._settings = settings
        self._on_queue = on_queue
        self._targets: dict[str, GatewayTarget] = {}
        self._models: dict[str, dict[str, GatewayModel]] = {}
        """By gateway and model."""
        self._asked: dict[str, float] = {}
        self._unbelievable: set[str] = set()
        """Gateways that said nonsense last."""
        self._polling = Polling(clock, settings, self._ask)

    async def __aenter__(self) -> Self:
        await self._polling.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._polling.__aexit__(kind, error, trace)

    def follow(self, targets: Sequence[GatewayTarget]) -> None:
        """Ask these from now on, and forget all others. A new one is asked at once."""
        before, self._targets = self._targets, {target.id: target for target in targets}
        for gone in before.keys() - self._targets.keys():
            self._models.pop(gone, None)
            self._asked.pop(gone, None)
            self._unbelievable.discard(gone)
            self.problems.solved(part_of(gone))
        self._polling.follow(self._targets)
        for name, target in self._targets.items():
            if name not in before or before[name].url != target.url:
                self._polling.begin(name, self._scrape(target))

    async def refresh(self, gateways: Collection[str]) -> None:
        """Ask some of them now, and wait for their answers."""
        for name in gateways:
            if (target := self._targets.get(name)) is not None:
                self._polling.begin(name, self._scrape(target))
        await self._polling.ended(gateways)

    async def read(self, models: Sequence[str]) -> Mapping[str, Traffic]:
        """The traffic of each model that a gateway knows, after a first answer of those never asked.

        Where one of its gateways cannot be believed, all of it is unknown: a part would read as less load.
        """
        await self._polling.first()
        now = self._clock.monotonic()
        unknown = {model for name in self._unbelievable for model in self._models.get(name, ())}
        gateways = self._models.values()
        known = {
            model: traffic([own[model] for own in gateways if model in own], now)
            for model in models
            if model not in unknown
        }
        return {model: seen for model, seen in known.items() if seen is not None}

    def _ask(self) -> None:
        for name, target in self._targets.items():
            if self._is_due(target):
                self._polling.begin(name, self._scrape(target))

    def _is_due(self, target: GatewayTarget) -> bool:
        last = self._asked.get(target.id)
        if last is None or target.interval_s is None:
            return True
        return self._clock.monotonic() - last > target.interval_s - self._settings.interval_s / 2

    async def _scrape(self, target: GatewayTarget) -> None:
        asked = self._clock.monotonic()
        self._asked[target.id] = asked
        problem = None
        try:
            samples = gateway_samples(gateway_points(await self._polling.page(target.url, _authorization(target))))
            if not self._follows(target):
                return
            own = self._models.setdefault(target.id, {})
            names = {_name(target, model): sample for model, sample in samples.items()}
            for model, sample in names.items():
                own.setdefault(model, GatewayModel()).add(asked, sample)
                tell(self._on_queue, model, sample.columns[GatewayColumn.QUEUE_REQUESTS])
            for gone in own.keys() - names.keys():
                del own[gone]
            self._unbelievable.discard(target.id)
        except UnbelievableError as error:
            problem = f"{target.url}: {error}"
            self._unbelievable.add(target.id)
        except (OSError, TimeoutError, aiohttp.ClientError) as error:
            problem = silent(target.url, error)
        if self._follows(target):
            self.problems.settle(part_of(target.id), problem)

    def _follows(self, target: GatewayTarget) -> bool:
        now = self._targets.get(target.id)
        return now is not None and now.url == target.url


def _name(target: GatewayTarget, model: str) -> str:
    return model if target.namespace is None else f"{target.namespace}/{model}"


def _authorization(target: GatewayTarget) -> dict[str, str]:
    """The header that lets the scraper in. Raises ``OSError`` where the token is not there."""
    token = target.token if target.token_file is None else target.token_file.read_text().strip()
    return {} if token is None else {"Authorization": f"Bearer {token}"}

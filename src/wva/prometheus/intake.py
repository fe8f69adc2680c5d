"""What is asked of a Prometheus server about a whole fleet, and what its answers say. No I/O, no clock."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from wva.fleet.readings import Endpoint, Readings
from wva.prometheus.engines import Engines
from wva.prometheus.families import CACHE_CONFIG, CACHE_SIZES, ENGINE_ASKED, GATEWAY, TPOT_BUCKETS, TTFT_BUCKETS, Names
from wva.prometheus.gateways import Gateways
from wva.prometheus.labels import JoinBy, Labels


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and who reads the answer to it."""

    query: str
    read: Callable[[bytes], None]
    """Gathers what the answer says. Raises ``RefusedError`` where it cannot be read."""


class Intake:
    """What is known of engines and gateways. Not for several threads at once."""

    def __init__(self, labels: Labels, *, latencies: bool = True) -> None:
        """``latencies`` says whether to ask for those that gateways measure: of every model some dozens of series."""
        self._labels = labels
        self._latencies = ((TTFT_BUCKETS,), (TPOT_BUCKETS,)) if latencies else ()
        self._engines = Engines(labels)
        self._gateways = Gateways(labels)

    def questions(self, seconds: int) -> list[Question]:
        """What to ask for the samples of so many seconds: one question for each metric."""

        def asked(metrics: Iterable[Names], gather: Callable[[Names, bytes], None]) -> list[Question]:
            return [Question(self._selected(names, seconds), partial(gather, names)) for names in metrics]

        by = ",".join(("__name__", "engine", *self._labels.identity, *CACHE_SIZES))
        return [
            *asked(ENGINE_ASKED.values(), self._engines.gather),
            *asked((*GATEWAY.values(), *self._latencies), self._gateways.gather),
            # Of some fifty labels that stay the same.
            Question(f"max by ({by}) ({self._selected((CACHE_CONFIG,))})", self._engines.take_capacities),
        ]

    def begin(self) -> None:
        """Forget what was gathered and not taken."""
        self._engines.begin()
        self._gateways.begin()

    def take(self, at: float) -> list[str]:
        """Take in what was gathered as of an instant of the server; give what cannot be so, one line each."""
        return self._engines.take(at) + self._gateways.take(at)

    def readings(self, endpoints: Sequence[Endpoint], models: Sequence[str], now: float) -> Readings:
        """The newest readings with their ages at an instant of the server, and forget what is too old for any."""
        self._engines.forget(now)
        self._gateways.forget(now)
        joined = [self._joined(endpoint) for endpoint in endpoints]
        found = self._engines.readings(list(dict.fromkeys(joined)), now)
        instances = {
            endpoint.instance: found[key] for endpoint, key in zip(endpoints, joined, strict=True) if key in found
        }
        return Readings(instances, self._gateways.traffic(models, now))

    def _joined(self, endpoint: Endpoint) -> str:
        return urlsplit(endpoint.url).netloc if self._labels.join_by is JoinBy.ADDRESS else endpoint.instance

    def _selected(self, names: Names, seconds: int | None = None) -> str:
        """A selector for all series of a metric, by any of its names; their samples of so many seconds, or the last."""
        matcher = f'__name__=~"{"|".join(names)}"' if len(names) > 1 else f'__name__="{names[0]}"'
        more = f",{self._labels.selector}" if self._labels.selector else ""
        return f"{{{matcher}{more}}}" + ("" if seconds is None else f"[{seconds}s]")

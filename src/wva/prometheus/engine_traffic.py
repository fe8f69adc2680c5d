"""What comes to a model, told by its engines where no gateway says it.

What an engine has finished, runs and holds waiting is what has come to it. That is told only of what reaches an engine:
requests that were turned away before, or wait in front, are not in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from wva.decide.trust import BYTES_PER_TOKEN
from wva.fleet.observation import Traffic
from wva.fleet.readings import Endpoint, InstanceReading
from wva.fleet.replica import InstanceMetrics
from wva.prometheus.history import LONG_S, SHORT_S, History

LEAST_SHARE = 0.5
"""Of a model's instances that have to say what came; the others are taken to be like them."""
STALE_S = 60.0
"""Age from which an instance says nothing of the present."""


class _Came(NamedTuple):
    """What has come to one instance since it started."""

    requests: float
    tokens: float
    """Of their prompts."""
    in_flight: float
    age_s: float


class _ModelTraffic:
    """One model's record."""

    def __init__(self) -> None:
        self.requests = self.tokens = 0.0
        self.history = History(0, 2)
        self.before: Mapping[str, _Came] = {}

    def add(self, now: Mapping[str, _Came], instances: int, time: float) -> None:
        """Add what has come since the last time, to those that said it both times, and as much to each of the rest."""
        again = [(came, self.before[name]) for name, came in now.items() if name in self.before]
        if again:
            part = instances / len(again)
            self.requests += part * sum(max(0.0, came.requests - before.requests) for came, before in again)
            self.tokens += part * sum(max(0.0, came.tokens - before.tokens) for came, before in again)
        self.before = now
        self.history.add(time, (self.requests, self.tokens))

    def traffic(self, instances: int) -> Traffic | None:
        """What is known of it now."""
        if not self.before or len(self.before) < LEAST_SHARE * instances:
            return None
        tokens_1m, tokens_5m = self.history.rate(1, SHORT_S), self.history.rate(1, LONG_S)
        return Traffic(
            age_s=max(came.age_s for came in self.before.values()),
            arrivals_total=self.requests,
            arrived_bytes_total=self.tokens * BYTES_PER_TOKEN,
            failed_total=None,
            arrival_rate_1m=self.history.rate(0, SHORT_S),
            arrival_rate_5m=self.history.rate(0, LONG_S),
            arrived_bytes_rate_1m=None if tokens_1m is None else tokens_1m * BYTES_PER_TOKEN,
            arrived_bytes_rate_5m=None if tokens_5m is None else tokens_5m * BYTES_PER_TOKEN,
            in_flight=sum(came.in_flight for came in self.before.values()) * instances / len(self.before),
            queue_requests=None,
            queue_bytes=None,
            ttft_p90_1m_s=None,
            tpot_p90_1m_s=None,
        )


class EngineTraffic:
    """Keeps the record of every model."""

    def __init__(self) -> None:
        self._models: dict[str, _ModelTraffic] = {}

    def update(
        self, endpoints: Sequence[Endpoint], readings: Mapping[str, InstanceReading], now: float
    ) -> Mapping[str, Traffic]:
        """Take readings in, as of ``now`` on a steady clock; give the traffic of models that enough of them tell of."""
        instances: dict[str, int] = {}
        came: dict[str, dict[str, _Came]] = {}
        for endpoint in endpoints:
            instances[endpoint.model] = instances.get(endpoint.model, 0) + 1
            own = came.setdefault(endpoint.model, {})
            reading = readings.get(endpoint.instance)
            said = None if reading is None or reading.metrics is None else _came(reading.metrics)
            if said is not None:
                own[endpoint.instance] = said
        self._models = {model: self._models.get(model) or _ModelTraffic() for model in came}
        for model, own in came.items():
            self._models[model].add(own, instances[model], now)
        known = {model: record.traffic(instances[model]) for model, record in self._models.items()}
        return {model: seen for model, seen in known.items() if seen is not None}


def completed(gateway: Traffic | None, engines: Traffic | None, *, in_front: bool) -> Traffic | None:
    """What a gateway says; where it does not count arrivals, what engines say with what waits at the gateway.

    ``in_front`` tells whether there is a gateway that could hold requests: without one, none is held.
    """
    if gateway is not None and (gateway.arrivals_total is not None or engines is None):
        return gateway
    if engines is None or gateway is None:
        return engines if in_front or engines is None else replace(engines, queue_requests=0.0, queue_bytes=0.0)
    return replace(
        engines,
        age_s=max(gateway.age_s, engines.age_s),
        queue_requests=gateway.queue_requests,
        queue_bytes=gateway.queue_bytes,
        ttft_p90_1m_s=gateway.ttft_p90_1m_s,
        tpot_p90_1m_s=gateway.tpot_p90_1m_s,
    )


def _came(metrics: InstanceMetrics) -> _Came | None:
    finished, running, waiting = metrics.requests_finished_total, metrics.running, metrics.waiting
    prompts = metrics.prompt_tokens_total
    if finished is None or running is None or waiting is None or prompts is None or metrics.age_s > STALE_S:
        return None
    # Prompts that wait are not counted yet; they are taken to be like those that ended.
    tokens = prompts + waiting * (metrics.input_tokens_mean_5m or 0.0)
    return _Came(finished + running + waiting, tokens, running + waiting, metrics.age_s)

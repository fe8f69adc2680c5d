"""What is known of a model's traffic, from the samples of the gateways that it comes through."""

import math
from collections.abc import Iterable, Mapping, Sequence

from wva.fleet.observation import Traffic
from wva.prometheus.families import GATEWAY_GAUGES, GatewayColumn
from wva.prometheus.history import LONG_S, SHORT_S, History
from wva.prometheus.points import GatewaySample

QUANTILE = 0.9
"""Which quantile of the latencies is read."""
GONE_S = 60.0
"""Seconds by which a gateway's newest sample may be behind another's before it counts as gone: four scrapes at the
usual 15 s."""


class Buckets:
    """A histogram over time. It starts anew where its bounds change."""

    def __init__(self) -> None:
        self._bounds: tuple[float, ...] = ()
        self._history = History(0, 0)

    def add(self, time: float, buckets: Mapping[float, float]) -> None:
        """Take a sample in: how many were up to each bound."""
        bounds = tuple(buckets)
        if bounds != self._bounds:
            self._bounds, self._history = bounds, History(0, len(bounds))
        self._history.add(time, tuple(buckets.values()))

    def growth(self, window_s: float) -> dict[float, float]:
        """What came up to each bound in the window; empty where that is unknown."""
        grown = [self._history.growth(column, window_s) for column in range(len(self._bounds))]
        return {bound: one[0] for bound, one in zip(self._bounds, grown, strict=True) if one is not None}


class GatewayModel:
    """The newest samples of one model at one gateway."""

    def __init__(self) -> None:
        self.columns = History(GATEWAY_GAUGES, len(GatewayColumn) - GATEWAY_GAUGES)
        self.ttft = Buckets()
        self.tpot = Buckets()

    @property
    def time(self) -> float:
        """When the newest sample was taken."""
        return self.columns.time or 0.0

    def add(self, time: float, sample: GatewaySample) -> None:
        """Take a sample in, unless it is not newer than the newest."""
        if self.columns.add(time, sample.columns):
            self.ttft.add(time, sample.ttft)
            self.tpot.add(time, sample.tpot)


def traffic(gateways: Sequence[GatewayModel], now: float) -> Traffic | None:
    """A model's traffic over the gateways that still answer, as old as their newest sample; ``None`` without any.

    What one of them does not know is unknown of all: a part would read as less load.
    """
    sampled = [gateway for gateway in gateways if gateway.columns.time is not None]
    if not sampled:
        return None
    newest = max(gateway.time for gateway in sampled)
    present = [gateway for gateway in sampled if newest - gateway.time <= GONE_S]
    of = GatewayColumn

    def total(column: GatewayColumn) -> float | None:
        return _sum(gateway.columns.value(column) for gateway in present)

    def rate(column: GatewayColumn, window_s: float) -> float | None:
        return _sum(gateway.columns.rate(column, window_s) for gateway in present)

    return Traffic(
        age_s=max(0.0, now - newest),
        arrivals_total=total(of.ARRIVALS),
        arrived_bytes_total=total(of.ARRIVED_BYTES),
        failed_total=total(of.FAILED),
        arrival_rate_1m=rate(of.ARRIVALS, SHORT_S),
        arrival_rate_5m=rate(of.ARRIVALS, LONG_S),
        arrived_bytes_rate_1m=rate(of.ARRIVED_BYTES, SHORT_S),
        arrived_bytes_rate_5m=rate(of.ARRIVED_BYTES, LONG_S),
        in_flight=total(of.IN_FLIGHT),
        queue_requests=total(of.QUEUE_REQUESTS),
        queue_bytes=total(of.QUEUE_BYTES),
        ttft_p90_1m_s=_quantile(QUANTILE, [gateway.ttft.growth(SHORT_S) for gateway in present]),
        tpot_p90_1m_s=_quantile(QUANTILE, [gateway.tpot.growth(SHORT_S) for gateway in present]),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    total = 0.0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _quantile(q: float, histograms: Iterable[Mapping[float, float]]) -> float | None:
    """``histogram_quantile(q, sum by (le) (...))`` of Prometheus (``bucketQuantile`` in ``promql/quantile.go``).

    Values are taken to lie evenly within a bucket, the lowest of which begins at 0; beyond the highest bound the answer
    is that bound. Unknown where nothing was counted.
    """
    counts: dict[float, float] = {}
    for histogram in histograms:
        for bound, count in histogram.items():
            counts[bound] = counts.get(bound, 0.0) + count
    total = counts.get(math.inf, 0.0)
    if total <= 0.0 or len(counts) < 2:
        return None
    rank = q * total
    start = below = 0.0
    for bound, count in sorted(counts.items()):
        if bound == math.inf:
            break
        if count >= rank:
            return start + (bound - start) * (rank - below) / (count - below)
        start, below = bound, count
    return start

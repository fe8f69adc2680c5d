"""The metrics that a trigger's query reads, as the newest scrape has them; ``None`` where the series is not there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

from wva.fleet.observation import Observation, Traffic, VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase
from wva.policies.keda.settings import RouterMetric


@dataclass(frozen=True, slots=True)
class Router:
    """The endpoint picker and how Prometheus sees it."""

    queue_depth_threshold: float
    """Waiting requests at which an endpoint is saturated."""
    kv_cache_util_threshold: float
    """Share of its KV cache at which it is."""
    staleness_s: float
    """Age in seconds from which a scraped value is not there."""

    def read(self, metric: RouterMetric, seen: VariantObservation, observation: Observation) -> float | None:
        """That metric of a variant or of its model's pool."""
        if metric is RouterMetric.KV_CACHE_USAGE:
            return self._kv_caches_used(seen)
        model = seen.variant.model
        traffic = next((entry.traffic for entry in observation.models if entry.model.name == model), None)
        if traffic is None or not traffic.age_s <= self.staleness_s:
            return None
        if metric is RouterMetric.POOL_SATURATION:
            return self.saturation(variant for variant in observation.variants if variant.variant.model == model)
        return _known(_gauge(traffic, metric))

    def saturation(self, pool: Iterable[VariantObservation]) -> float:
        """How full the endpoints of these variants are on average.

        An endpoint is as full as the fuller of its queue and its KV cache, each over its threshold. One whose scrape is
        too old or lacks a value counts as full; without any endpoint the pool is full. This is the utilization detector
        of llm-d's router and of the Gateway API inference extension, with its default for missing metrics.
        """
        scores = [self._score(metrics) for seen in pool for metrics in _scraped(seen, Phase.READY)]
        return sum(scores) / len(scores) if scores else 1.0

    def _score(self, metrics: InstanceMetrics) -> float:
        waiting, usage = _known(metrics.waiting), _known(metrics.kv_usage)
        if waiting is None or usage is None or not metrics.age_s <= self.staleness_s:
            return 1.0
        return max(waiting / self.queue_depth_threshold, usage / self.kv_cache_util_threshold)

    def _kv_caches_used(self, seen: VariantObservation) -> float | None:
        fresh = (metrics for metrics in _scraped(seen, *Phase) if metrics.age_s <= self.staleness_s)
        used = [usage for metrics in fresh if (usage := _known(metrics.kv_usage)) is not None]
        return sum(used) if used else None


def _scraped(seen: VariantObservation, *phases: Phase) -> Iterator[InstanceMetrics]:
    """What every instance of the replicas in those phases reported that was ever scraped."""
    for replica in seen.in_phase(*phases):
        for instance in replica.instances:
            if instance.metrics is not None:
                yield instance.metrics


def _gauge(traffic: Traffic, metric: RouterMetric) -> float | None:
    return traffic.queue_requests if metric is RouterMetric.QUEUE_SIZE else traffic.in_flight


def _known(value: float | None) -> float | None:
    """The value, if it is a number."""
    return value if value is not None and isfinite(value) else None

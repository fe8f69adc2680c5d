"""The concurrency of a variant at its newest scrape."""

from math import isfinite

from wva.fleet.observation import Observation, Traffic, VariantObservation
from wva.fleet.replica import Phase
from wva.policies.hpa.pods import group
from wva.policies.hpa.settings import Metric
from wva.policies.samples import Sample, newest_scrape


def concurrency(seen: VariantObservation, observation: Observation, staleness_s: float) -> Sample | None:
    """Requests that run or wait in the variant's ready replicas, and its part of those that the gateway holds.

    Replicas without values are taken for like the others: as Knative's scraper does, the mean over those that report
    counts for every ready one. ``None`` where none reports, or none is ready and nothing is held.
    """
    held, held_at = _held(seen, observation, staleness_s)
    ready = seen.in_phase(Phase.READY)
    if not ready:
        return Sample(held_at, held) if held > 0 else None
    running = group(ready, Metric.RUNNING, staleness_s, starting_is_pending=True)
    waiting = group(ready, Metric.WAITING, staleness_s, starting_is_pending=True)
    at = newest_scrape(ready, observation.now, staleness_s)
    if at is None or not running.reporting or not waiting.reporting:
        return None
    each_milli = running.total_milli / running.reporting + waiting.total_milli / waiting.reporting
    return Sample(at, each_milli * len(ready) / 1000 + held)


def _held(seen: VariantObservation, observation: Observation, staleness_s: float) -> tuple[float, float]:
    """The variant's part of the gateway's queue, 0 where nobody reports it, and when it was scraped."""
    model = seen.variant.model
    traffic = next((entry.traffic for entry in observation.models if entry.model.name == model), None)
    if traffic is None or not _is_known(traffic, staleness_s):
        return 0.0, observation.now
    variants = sum(other.variant.model == model for other in observation.variants)
    return (traffic.queue_requests or 0.0) / variants, observation.now - traffic.age_s


def _is_known(traffic: Traffic, staleness_s: float) -> bool:
    return traffic.age_s <= staleness_s and traffic.queue_requests is not None and isfinite(traffic.queue_requests)

"""Since when a model is known to be without requests.

To be without any is a fact to be seen, like a load: what cannot be read may be a request, so it ends the quiet, and the
time begins anew once all is readable again. What came between two looks shows in the gateway's counter, unless they
are so far apart that the counter may be another.
"""

from collections.abc import Sequence
from dataclasses import replace

from wva.decide.memory import Quiet
from wva.decide.settings import Settings
from wva.decide.trust import fresh_metrics, fresh_traffic, known, readable
from wva.fleet.model import Model
from wva.fleet.observation import ModelObservation, Traffic, VariantObservation
from wva.fleet.replica import Phase, Replica


def watched(
    before: Quiet | None,
    observed: ModelObservation,
    variants: Sequence[VariantObservation],
    now: float,
    settings: Settings,
) -> Quiet | None:
    """The model's quiet after one more look at it and its ``variants``; ``None`` where it may have a request."""
    traffic = fresh_traffic(observed, settings)
    requests = None if traffic is None else known(traffic.arrivals_total)
    age_s = None if traffic is None else _nothing_s_ago(traffic, variants, settings)
    if requests is None or age_s is None:
        return None
    if before is None or requests != before.requests or now - before.seen > settings.level_window_s:
        # A request that the oldest figures do not show yet is in the next ones.
        return Quiet(now, now, requests)
    return replace(before, seen=max(before.seen, now - age_s))


def retired(quiet: Quiet | None, model: Model, settings: Settings) -> bool:
    """Whether the model was quiet for so long that it needs no replica."""
    return quiet is not None and quiet.lasted_s >= retention_s(model, settings)


def retention_s(model: Model, settings: Settings) -> float:
    """Seconds without a request for which the model keeps a replica."""
    return settings.idle_window_s if model.retention_s is None else model.retention_s


def _nothing_s_ago(traffic: Traffic, variants: Sequence[VariantObservation], settings: Settings) -> float | None:
    """Age of the oldest figure that says that nothing waits or runs; ``None`` where one does not say so."""
    serving = [replica for seen in variants for replica in seen.in_phase(Phase.READY, Phase.DRAINING)]
    if not serving and any(seen.in_phase(Phase.STARTING) for seen in variants):
        # Whoever the first replica is started for has not seen it yet.
        return None
    if known(traffic.queue_requests) != 0.0 or not all(_is_idle(replica, settings) for replica in serving):
        return None
    ages = (metrics.age_s for metrics in fresh_metrics(serving, settings))
    return max(traffic.age_s, *ages, 0.0)


def _is_idle(replica: Replica, settings: Settings) -> bool:
    said = [readable(instance, settings) for instance in replica.instances]
    return bool(said) and all(
        metrics is not None and known(metrics.running) == 0.0 and known(metrics.waiting) == 0.0 for metrics in said
    )

"""Since when a model is known to be without requests.

To be without any is a fact to be seen, like a load: what cannot be read may be a request, so it ends the quiet, and the
time begins anew once all is readable again. What came between two looks shows in the gateway's counter, unless they
are so far apart that the counter may be another.
"""

from collections.abc import Sequence

from wva.decide.memory import Quiet
from wva.decide.settings import Settings
from wva.decide.trust import fresh_traffic, known, readable
from wva.fleet.model import Model
from wva.fleet.observation import ModelObservation, VariantObservation
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
    if traffic is None or known(traffic.queue_requests) != 0.0 or not _nothing_runs(variants, settings):
        return None
    requests = known(traffic.arrivals_total)
    if requests is None:
        return None
    lasts = before is not None and requests == before.requests and now - before.seen <= settings.level_window_s
    return Quiet(before.since if before is not None and lasts else now, now, requests)


def retired(quiet: Quiet | None, model: Model, now: float, settings: Settings) -> bool:
    """Whether the model was quiet for so long that it needs no replica."""
    return quiet is not None and now - quiet.since >= retention_s(model, settings)


def retention_s(model: Model, settings: Settings) -> float:
    """Seconds without a request for which the model keeps a replica."""
    return settings.idle_window_s if model.retention_s is None else model.retention_s


def _nothing_runs(variants: Sequence[VariantObservation], settings: Settings) -> bool:
    """Whether every replica that serves says that it has nothing to do.

    Where none serves, one that starts is waited for: whoever it was started for has not seen it yet.
    """
    serving = [replica for seen in variants for replica in seen.in_phase(Phase.READY, Phase.DRAINING)]
    if not serving and any(seen.in_phase(Phase.STARTING) for seen in variants):
        return False
    return all(_has_nothing(replica, settings) for replica in serving)


def _has_nothing(replica: Replica, settings: Settings) -> bool:
    said = [readable(instance, settings) for instance in replica.instances]
    return bool(said) and all(
        metrics is not None and known(metrics.running) == 0.0 and known(metrics.waiting) == 0.0 for metrics in said
    )

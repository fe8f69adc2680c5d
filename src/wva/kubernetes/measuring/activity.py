"""Which models have requests, or may have some: what keeps them from going to zero."""

from collections.abc import Iterable

from wva.decide.trust import known
from wva.fleet.observation import ModelObservation, Observation, Traffic
from wva.fleet.replica import Phase, Replica


def active_models(observation: Observation) -> frozenset[str]:
    """Names of the models that are not known to be idle: whatever is unknown may be a request."""
    serving: dict[str, list[Replica]] = {}
    for seen in observation.variants:
        serving.setdefault(seen.variant.model, []).extend(seen.in_phase(Phase.READY, Phase.DRAINING))
    return frozenset(
        observed.model.name
        for observed in observation.models
        if not _is_idle(observed, serving.get(observed.model.name, ()))
    )


def _is_idle(observed: ModelObservation, replicas: Iterable[Replica]) -> bool:
    return _nothing_comes(observed.traffic) and all(_has_nothing(replica) for replica in replicas)


def _nothing_comes(traffic: Traffic | None) -> bool:
    if traffic is None:
        return False
    return known(traffic.arrival_rate_1m) == 0.0 and known(traffic.queue_requests) == 0.0


def _has_nothing(replica: Replica) -> bool:
    for instance in replica.instances:
        metrics = instance.metrics
        if metrics is None or known(metrics.running) != 0.0 or known(metrics.waiting) != 0.0:
            return False
    return True

"""How the controller groups a variant's pods for one metric, in the manner of ``groupPods`` for a metric of pods.

A draining replica is a pod with a deletion timestamp and does not count at all. A pod in phase ``Pending`` is unready
and its value is ignored. Any other pod counts with its value whether it is ready or not, or is missing without one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from operator import attrgetter

from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.policies.hpa.settings import Metric

_VALUE: dict[Metric, Callable[[InstanceMetrics], float | None]] = {
    Metric.WAITING: attrgetter("waiting"),
    Metric.RUNNING: attrgetter("running"),
    Metric.KV_USAGE: attrgetter("kv_usage"),
}
_MEANS = frozenset({Metric.KV_USAGE})


@dataclass(frozen=True, slots=True)
class Pods:
    """A variant's pods as one metric sees them."""

    total_milli: int
    """Sum of the values, in thousandths."""
    reporting: int
    """Pods that the sum is of."""
    missing: int
    """Pods that run but have no value."""
    unready: int
    """Pods in phase ``Pending``."""


def group(replicas: Sequence[Replica], metric: Metric, staleness_s: float, starting_is_pending: bool) -> Pods:
    """Sort the replicas into those groups; a scrape older than the staleness is no value."""
    read = _VALUE[metric]
    mean = metric in _MEANS
    total = reporting = missing = unready = 0
    for replica in replicas:
        phase = replica.phase
        if phase is Phase.DRAINING:
            continue
        if phase is Phase.PENDING or (starting_is_pending and phase is Phase.STARTING):
            unready += 1
            continue
        value = _milli(replica.instances, read, mean, staleness_s)
        if value is None:
            missing += 1
        else:
            total += value
            reporting += 1
    return Pods(total, reporting, missing, unready)


def _milli(
    instances: Sequence[Instance], read: Callable[[InstanceMetrics], float | None], mean: bool, staleness_s: float
) -> int | None:
    """A pod's value in thousandths, cut off as the Prometheus adapter does; ``None`` when no instance has one.

    Instances without a value are left out, as Prometheus leaves an absent series out of a sum or mean.
    """
    total = 0.0
    known = 0
    for instance in instances:
        metrics = instance.metrics
        if metrics is None or not metrics.age_s <= staleness_s:
            continue
        value = read(metrics)
        if value is None or not isfinite(value):
            continue
        total += value
        known += 1
    if not known:
        return None
    return int((total / known if mean else total) * 1000.0)

"""Whether there are figures of a variant to decide by."""

from collections.abc import Mapping

from wva.fleet.observation import Traffic, VariantObservation
from wva.fleet.replica import Phase, Replica
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.prometheus.server import PROMETHEUS

FRESH_S = 60.0
"""Age in seconds up to which a figure counts, as for the reference."""

_SOURCES = (PROMETHEUS, "metrics")
"""Parts of the loop that can keep all figures away, the one that knows more first."""


def measured(seen: VariantObservation, traffic: Traffic | None, problems: Mapping[str, str]) -> Condition:
    """What the newest turn had of a variant: its engines' figures, and the gateway's where none of them serves."""
    ready = seen.in_phase(Phase.READY)
    known = traffic is not None and traffic.age_s <= FRESH_S
    if not ready:
        return _without_replicas(known)
    ages = [_age_s(replica) for replica in ready]
    fresh = sum(age is not None and age <= FRESH_S for age in ages)
    if fresh:
        message = f"{fresh} of {len(ready)} ready replicas are measured"
        return _found(message if known else f"{message}; the gateway's figures are unknown")
    failure = next((problems[source] for source in _SOURCES if source in problems), None)
    if failure is not None:
        return _missing(Because.PROMETHEUS_ERROR, failure)
    newest = min((age for age in ages if age is not None), default=None)
    if newest is not None:
        return _missing(Because.METRICS_STALE, f"the newest figures are {newest:.0f} s old")
    return _missing(
        Because.METRICS_MISSING,
        f"none of {len(ready)} ready replicas is measured; have them scraped with the labels namespace and pod",
    )


def _without_replicas(known: bool) -> Condition:
    if known:
        return _found("no replica is ready; the gateway is measured")
    message = "no replica is ready, and the gateway's figures are unknown"
    return Condition(Aspect.METRICS_AVAILABLE, None, Because.METRICS_MISSING, message)


def _age_s(replica: Replica) -> float | None:
    """Of the newest figures of any of its engines; ``None`` where there are none."""
    return min((each.metrics.age_s for each in replica.instances if each.metrics is not None), default=None)


def _found(message: str) -> Condition:
    return Condition(Aspect.METRICS_AVAILABLE, True, Because.METRICS_FOUND, message)


def _missing(because: Because, message: str) -> Condition:
    return Condition(Aspect.METRICS_AVAILABLE, False, because, message)

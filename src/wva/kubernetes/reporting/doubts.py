"""Bad news that may be over at the next look: it is told only once it has lasted.

One late answer of Prometheus would otherwise be written into every object of the fleet, and taken back a turn later.
"""

from collections.abc import Mapping

from wva.kubernetes.conditions import Aspect
from wva.kubernetes.reporting.report import without
from wva.kubernetes.status import Report

PATIENCE_S = 30.0
"""Seconds for which it must last: two turns of the usual interval."""

_PASSING = (Aspect.METRICS_AVAILABLE, Aspect.OPTIMIZATION_READY)


def settled(report: Report, since: Mapping[Aspect, float], now: float) -> tuple[Report, dict[Aspect, float]]:
    """What is to be told of a turn's report, and since when its bad news lasts.

    ``since`` is what the last turn's answer was. What is not told yet is left out, so that what was said last stays.
    """
    bad = [each.aspect for each in report.conditions if each.aspect in _PASSING and each.holds is not True]
    lasting = {aspect: since.get(aspect, now) for aspect in bad}
    early = frozenset(aspect for aspect, first in lasting.items() if now - first < PATIENCE_S)
    return without(report, early) if early else report, lasting

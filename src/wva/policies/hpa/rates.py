"""How far the count may move at once, in the manner of ``convertDesiredReplicasWithBehaviorRate``.

A policy's change is measured from the count at the start of its period, which is the current count without what was
added and with what was removed since.
"""

from math import ceil

from wva.policies.hpa.memory import Stamp, within
from wva.policies.hpa.settings import ScalingRules, Select, Unit


def highest_allowed(
    current: int, added: tuple[Stamp, ...], removed: tuple[Stamp, ...], rules: ScalingRules, now: float
) -> int:
    """The highest count that the scale-up rules allow now; never below the current one."""
    if rules.select is Select.DISABLED:
        return current
    allowed = []
    for policy in rules.policies:
        start = _at_start(current, added, removed, now, policy.period_s)
        if policy.type is Unit.PODS:
            allowed.append(start + policy.value)
        else:
            # Rounded up, so that a small percentage of a small count still lets it grow.
            allowed.append(ceil(start * (1 + policy.value / 100)))
    return max(current, min(allowed) if rules.select is Select.MIN else max(allowed))


def lowest_allowed(
    current: int, added: tuple[Stamp, ...], removed: tuple[Stamp, ...], rules: ScalingRules, now: float
) -> int:
    """The lowest count that the scale-down rules allow now; never above the current one."""
    if rules.select is Select.DISABLED:
        return current
    allowed = []
    for policy in rules.policies:
        start = _at_start(current, added, removed, now, policy.period_s)
        if policy.type is Unit.PODS:
            allowed.append(start - policy.value)
        else:
            allowed.append(int(start * (1 - policy.value / 100)))
    return min(current, max(allowed) if rules.select is Select.MIN else min(allowed))


def highest_without_behavior(current: int) -> int:
    """The highest count at one sync of an HPA without ``spec.behavior``: twice the current one, or 4."""
    return max(2 * current, 4)


def _at_start(current: int, added: tuple[Stamp, ...], removed: tuple[Stamp, ...], now: float, period_s: float) -> int:
    """The count at the start of the period that ends now."""
    for stamp in added:
        if within(stamp, now, period_s):
            current -= stamp.replicas
    for stamp in removed:
        if within(stamp, now, period_s):
            current += stamp.replicas
    return current

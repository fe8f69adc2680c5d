"""The count that an external metric proposes: one number for the whole target, not one for each of its pods."""

from math import ceil

from wva.policies.hpa.calculator import Proposal


def propose_average(
    current: int, total_milli: int, target_milli: int, tolerance_down: float, tolerance_up: float
) -> Proposal:
    """``AverageValue``, in the manner of ``GetExternalPerPodMetricReplicas``: the metric's total over the target.

    All in thousandths. The tolerance is on what each pod of the current count would hold; from a count of 0 nothing
    is within it.
    """
    wanted = ceil(total_milli / target_milli)
    if current == 0:
        return Proposal(wanted, total_milli, total_milli / target_milli)
    ratio = total_milli / (target_milli * current)
    within = 1.0 - tolerance_down <= ratio <= 1.0 + tolerance_up
    return Proposal(current if within else wanted, ceil(total_milli / current), ratio)


def propose_value(
    current: int, ready: int, value_milli: int, target_milli: int, tolerance_down: float, tolerance_up: float
) -> Proposal:
    """``Value``, in the manner of ``GetExternalMetricReplicas``: the ready pods times the metric over its target."""
    ratio = value_milli / target_milli
    if current == 0:
        return Proposal(ceil(ratio), value_milli, ratio)
    within = 1.0 - tolerance_down <= ratio <= 1.0 + tolerance_up
    return Proposal(current if within else ceil(ratio * ready), value_milli, ratio)

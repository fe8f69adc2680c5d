"""The count that one metric proposes, in the manner of ``calcPlainMetricReplicas``, and that of several together."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from wva.fleet.reason import Reason
from wva.policies.hpa.pods import Pods


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one metric asks for."""

    replicas: int
    usage_milli: int
    """Mean over the pods that report, in thousandths."""
    ratio: float
    """That mean over the target, before anything is assumed of other pods."""


def propose(current: int, target_milli: int, pods: Pods, tolerance_down: float, tolerance_up: float) -> Proposal | None:
    """The proposal, or ``None`` when no pod reports.

    Pods that did not report are assumed to hold the change back: missing ones are at the target when the others are
    below it and idle when they are above it, and unready ones idle when they are above it. When that brings the ratio
    within the tolerance, or turns the direction around, the current count stays.
    """
    if pods.reporting == 0:
        return None
    # The mean is an integer division of thousandths: what is below a thousandth is dropped.
    usage = pods.total_milli // pods.reporting
    ratio = usage / target_milli
    unready_counts = pods.unready > 0 and ratio > 1.0
    if pods.missing == 0 and not unready_counts:
        within = 1.0 - tolerance_down <= ratio <= 1.0 + tolerance_up
        # Pods that report, not the current count: this may even turn the direction around, and nothing guards it.
        return Proposal(current if within else ceil(ratio * pods.reporting), usage, ratio)

    total, count = pods.total_milli, pods.reporting
    # A ratio of exactly 1 takes the missing pods into neither the sum nor the count.
    if ratio < 1.0:
        total += pods.missing * target_milli
        count += pods.missing
    elif ratio > 1.0:
        count += pods.missing
    if unready_counts:
        count += pods.unready
    assumed = (total // count) / target_milli
    within = 1.0 - tolerance_down <= assumed <= 1.0 + tolerance_up
    turned = (ratio < 1.0 < assumed) or (assumed < 1.0 < ratio)
    replicas = ceil(assumed * count)
    against = (assumed < 1.0 and replicas > current) or (assumed > 1.0 and replicas < current)
    return Proposal(current if within or turned or against else replicas, usage, ratio)


def largest(current: int, proposals: Sequence[tuple[Proposal | None, Reason]]) -> tuple[int | None, list[Reason]]:
    """The largest proposal, in the manner of ``computeReplicasForMetrics``, and the reasons, that of the largest first.

    A metric that cannot be read has no proposal. Without any there is no count, and with some missing none below the
    current one.
    """
    readable = [proposal.replicas for proposal, _ in proposals if proposal is not None]
    ordered = sorted(proposals, key=lambda entry: -1 if entry[0] is None else entry[0].replicas, reverse=True)
    reasons = [reason for _, reason in ordered]
    if not readable:
        return None, [*reasons, Reason("held", "no metric can be read: nothing changes")]
    desired = max(readable)
    if len(readable) < len(proposals) and desired < current:
        return None, [*reasons, Reason("held", "not every metric can be read: no shrinking")]
    return desired, reasons

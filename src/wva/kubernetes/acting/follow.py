"""What comes of a plan where an HPA or KEDA carries it out: it is told a count, and comes as near to it as it does."""

from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.kubernetes.conditions import Because
from wva.kubernetes.follower import outlook, watched
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.objects.workload import Workload
from wva.policies.hpa.memory import VariantMemory

_PASSES = (Because.STABILIZING, Because.RATE_LIMITED, Because.UNLIMITED)
"""What keeps a follower only for a while."""


def followed(
    plan: Plan,
    part: VariantPlan,
    workload: Workload,
    follower: Scaler,
    known: VariantMemory | None,
    published: int | None,
    now: float,
) -> Outcome:
    """The outcome of a part that a follower carries out: only what it does next counts as coming.

    ``published`` is what the gauge says by now, ``None`` where it says nothing; ``known`` is what the follower
    remembers.
    """
    current = workload.replicas
    if published is None:
        result = Result.APPLIED if part.target == current else Result.PENDING
        detail = None if part.target == current else "the gauge says nothing, so its follower stays"
        return Outcome(plan.id, part.variant, result, current, detail)
    memory = watched(known, follower, current, published, now)
    ahead = outlook(follower, current, workload.ready, published, memory, now)
    if ahead.count == part.target:
        return Outcome(plan.id, part.variant, Result.APPLIED, ahead.count)
    result = Result.PENDING if ahead.limited.because in _PASSES else Result.CLAMPED
    detail = ahead.limited.message or f"the gauge says {published}"
    return Outcome(plan.id, part.variant, result, ahead.count, detail)

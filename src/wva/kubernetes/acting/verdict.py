"""What a plan's part comes to before anything is written: the count to work towards, or why it is not carried out."""

from collections.abc import Iterable

from wva.control.carry_out import judge
from wva.decide.view import not_draining
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Replica
from wva.kubernetes.managed import Managed
from wva.kubernetes.ownership import Mode


def verdict(
    plan: Plan, part: VariantPlan, managed: Managed, *, expired: bool, members: Iterable[Replica]
) -> Outcome | int:
    """Check one part against what is there. ``members`` are all replicas of all variants."""
    current = not_draining(managed.observation)
    target = judge(plan, part, managed.variant, current, expired=expired, members=members)
    if isinstance(target, Outcome):
        return target
    if managed.mode is Mode.ADVISORY and target == managed.observation.desired:
        return Outcome(plan.id, part.variant, Result.APPLIED, current)
    withheld = _withheld(managed, target)
    return target if withheld is None else Outcome(plan.id, part.variant, withheld[0], current, withheld[1])


def _withheld(managed: Managed, target: int) -> tuple[Result, str] | None:
    """Why nothing is done for that count, where nothing is."""
    if managed.orders.paused:
        return Result.REFUSED, "it is paused"
    if managed.mode is Mode.ADVISORY:
        return Result.REFUSED, "it is only advised: people write its count"
    if managed.conflict.holds:
        return Result.CONFLICT, managed.conflict.message
    if managed.mode is Mode.DIRECT and managed.workload.rolling and target < managed.observation.desired:
        return Result.PENDING, "it shrinks once its rollout is over"
    return None

"""What keeps a variant from the count that its model needs, or that was decided, though nothing is wrong."""

from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import VariantPlan
from wva.fleet.variant import Variant
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.follower import Outlook
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import CRASH_LOOP
from wva.kubernetes.orders import ACT, Act
from wva.kubernetes.ownership import GAUGE, Mode
from wva.kubernetes.shortage import Shortages

_SHORT = "short"
"""Code of the reason that says that no more can be had."""


def limited(
    managed: Managed,
    variant: Variant,
    part: VariantPlan | None,
    outcome: Outcome | None,
    outlook: Outlook | None,
    shortages: Shortages,
    *,
    paused: bool,
) -> Condition:
    """The first limit that applies: people's, the hardware's, the follower's, the body's.

    ``variant`` has the bounds that the decision kept to. ``outlook`` is the follower's, where there is one, and
    ``paused`` says whether the whole loop is.
    """
    if paused or managed.orders.paused:
        return _limit(Because.PAUSED, "what is decided is not carried out until it is resumed")
    if managed.mode is Mode.ADVISORY:
        return _limit(Because.ADVISORY, f"the count is only shown; {_to_act(managed)}")
    return (
        _by_failures(managed)
        or _by_supply(managed, variant, part, shortages)
        or _by_follower(outlook)
        or _by_answer(variant, part, outcome)
        or Condition(Aspect.ACTUATION_LIMITED, False, Because.UNLIMITED)
    )


def _to_act(managed: Managed) -> str:
    """What to do to have an advisory variant's counts carried out."""
    if not managed.orders.follows:
        return f"set its annotation {ACT} to {Act.GAUGE} or {Act.DIRECT} to have it carried out"
    return f"have an HPA or a ScaledObject follow {GAUGE}, or set its annotation {ACT} to {Act.DIRECT}"


def _by_failures(managed: Managed) -> Condition | None:
    """By pods that never come to serve; how often they were restarted is left out, as it would be written each time."""
    failing = sorted(pod.name for pod in managed.pods if pod.waiting == CRASH_LOOP and not pod.ready)
    if not failing:
        return None
    first = f"kubectl -n {managed.found.meta.namespace} logs --previous {failing[0]}"
    message = f"{CRASH_LOOP}: {len(failing)} of its pods end again and again and are not counted on; see {first}"
    return _limit(Because.FAILING, message)


def _by_supply(managed: Managed, variant: Variant, part: VariantPlan | None, shortages: Shortages) -> Condition | None:
    workload = managed.workload
    quota = shortages.open.get(variant.name)
    if quota is not None and (
        workload.present < workload.replicas or _is_short(part) or _is_held_down(managed, variant, part)
    ):
        return _limit(Because.QUOTA, quota.cause)
    stock = shortages.open.get(variant.accelerator)
    if stock is not None and (any(pod.node is None for pod in managed.pods) or _is_short(part)):
        return _limit(Because.NO_STOCK, stock.cause)
    if part is None or not _is_short(part):
        return None
    if part.target >= variant.max_replicas:
        return _limit(Because.OUT_OF_BOUNDS, f"its model needs more than the {variant.max_replicas} that it may have")
    return _limit(Because.NO_STOCK, part.reasons[-1].text)


def _is_short(part: VariantPlan | None) -> bool:
    return part is not None and bool(part.reasons) and part.reasons[-1].code == _SHORT


def _is_held_down(managed: Managed, variant: Variant, part: VariantPlan | None) -> bool:
    """Whether it is at a bound that is below what is declared."""
    declared = managed.found.variant
    if part is None or declared is None:
        return False
    return part.target >= variant.max_replicas and variant.max_replicas < declared.max_replicas


def _by_follower(outlook: Outlook | None) -> Condition | None:
    return outlook.limited if outlook is not None and outlook.limited.holds else None


def _by_answer(variant: Variant, part: VariantPlan | None, outcome: Outcome | None) -> Condition | None:
    """By what the body answered; that it waits, or found another count, is over by the next turn."""
    if part is None or outcome is None or outcome.result not in (Result.CLAMPED, Result.REFUSED):
        return None
    detail = outcome.detail or ""
    if outcome.result is Result.REFUSED:
        return _limit(Because.REFUSED, detail)
    inside = variant.min_replicas <= part.target <= variant.max_replicas
    return _limit(Because.RATE_LIMITED if inside else Because.OUT_OF_BOUNDS, detail)


def _limit(because: Because, message: str) -> Condition:
    return Condition(Aspect.ACTUATION_LIMITED, True, because, message)

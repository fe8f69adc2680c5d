"""What an HPA, also one that KEDA made, will do with a published count: the gap to it is no supply.

The arithmetic is that of ``policies.hpa``. What the follower remembers is rebuilt from what is seen: the counts that
were published, and the changes of the target's count.
"""

from dataclasses import dataclass

from wva.fleet.observation import CarrierTraits
from wva.fleet.reason import Reason
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.objects.behavior import quantity
from wva.kubernetes.objects.scaler import ExternalMetric, Scaler, ScalerKind
from wva.kubernetes.ownership import GAUGE, Mode
from wva.policies.hpa.external import propose_average, propose_value
from wva.policies.hpa.follower import Follower
from wva.policies.hpa.memory import Stamp, VariantMemory, remembered
from wva.policies.hpa.rates import highest_without_behavior
from wva.policies.hpa.settings import Behavior, ScalingRules, Select, Unit, tolerances

SYNC_S = 15.0
"""How often the HPA controller looks, in seconds, as Kubernetes ships it."""
TOLERANCE = 0.1
"""Relative change that it ignores, as Kubernetes ships it."""
DOWNSCALE_S = 300.0
"""Recommendations that hold a count up without ``behavior``, as Kubernetes ships it."""

_BECAUSE = {"stabilized": Because.STABILIZING, "limited": Because.RATE_LIMITED, "clamped": Because.BOUNDED}
"""By the code of the follower's own reason."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a follower does next."""

    count: int
    """The count that it goes to at its next look: no more than this is on its way."""
    limited: Condition


def watched(
    known: VariantMemory | None, scaler: Scaler, current: int, published: int | None, now: float
) -> VariantMemory:
    """What the follower remembers after this: what is published and the count that the target has now, taken in."""
    behavior = scaler.behavior or Behavior()
    window = max(behavior.scale_up.stabilization_window_s, behavior.scale_down.stabilization_window_s)
    recommendations = () if known is None else known.recommendations
    if published is not None:
        window = DOWNSCALE_S if scaler.behavior is None else window
        recommendations = remembered(recommendations, Stamp(now, published), window)
    added = () if known is None else known.added
    removed = () if known is None else known.removed
    moved = 0 if known is None else current - known.desired
    if moved > 0:
        added = remembered(added, Stamp(now, moved), behavior.scale_up.longest_period_s)
    elif moved < 0:
        removed = remembered(removed, Stamp(now, -moved), behavior.scale_down.longest_period_s)
    return VariantMemory(now, current, current, recommendations, added, removed)


def outlook(
    scaler: Scaler,
    current: int,
    ready: int,
    published: int,
    known: VariantMemory,
    now: float,
    tolerance: float = TOLERANCE,
) -> Outlook:
    """What the follower makes of the published count: tolerance, past recommendations, rates, bounds, in its order."""
    least, most = _bounds(scaler)
    asked = _proposal(scaler, current, ready, published, tolerance)
    stays = _stays(scaler, current)
    if stays is not None:
        return _limited(current, published, Because.BOUNDED, stays)
    if not least <= current <= most:
        count = min(max(current, least), most)
        return _limited(count, published, Because.BOUNDED, f"{current} is outside its {least} to {most}")
    if asked == current and published != current:
        message = f"{published} is within the follower's tolerance of {current}; it stays"
        return _limited(current, published, Because.WITHIN_TOLERANCE, message)
    reasons: list[Reason] = []
    follower = Follower(scaler.behavior, SYNC_S, DOWNSCALE_S, plan_valid_s=SYNC_S)
    count = follower.held_back(asked, current, least, most, known, now, reasons)
    if count == published:
        return _limited(count, published, Because.UNLIMITED, "")
    last = reasons[-1] if reasons else Reason("clamped", f"its metric's target makes {asked} of {published}")
    return _limited(count, published, _BECAUSE[last.code], last.text)


def _stays(scaler: Scaler, current: int) -> str | None:
    """Why it does nothing at all, if it does nothing."""
    if scaler.paused:
        return f"ScaledObject {scaler.meta.name} is paused"
    off = current == 0 and scaler.kind is ScalerKind.HPA and scaler.min_replicas > 0
    return "an HPA does nothing at a count of 0" if off else None


def traits(
    mode: Mode,
    follower: Scaler | None,
    current: int,
    *,
    drains: bool = False,
    chooses_victims: bool = True,
    tolerance: float = TOLERANCE,
) -> CarrierTraits:
    """What carries a variant's plans out.

    ``current`` is the count that percentages are of; ``drains`` says whether pods can be taken out of service before
    they are stopped, and ``chooses_victims`` whether those are stopped that WVA names, where it writes the count.
    """
    if mode is Mode.DIRECT:
        return CarrierTraits(
            owner="wva", chooses_victims=chooses_victims, drains=drains, reaches_zero=True, restores=drains
        )
    if follower is None or mode is Mode.ADVISORY:
        return CarrierTraits(owner="user", chooses_victims=False, drains=False, reaches_zero=False, restores=False)
    least, most = _bounds(follower)
    down, up = tolerances(follower.behavior, tolerance)
    return CarrierTraits(
        owner=mode.value,
        chooses_victims=False,
        drains=False,
        reaches_zero=follower.min_replicas == 0,
        restores=False,
        foreign_min=least,
        foreign_max=most,
        tolerance=max(down, up),
        up_per_minute=_up_per_minute(follower.behavior, current),
        down_per_minute=None if follower.behavior is None else _per_minute(follower.behavior.scale_down, current),
    )


def _bounds(scaler: Scaler) -> tuple[int, int]:
    return scaler.min_replicas, max(scaler.min_replicas, scaler.max_replicas)


def _limited(count: int, published: int, because: Because, message: str) -> Outlook:
    return Outlook(count, Condition(Aspect.ACTUATION_LIMITED, count != published, because, message))


def _proposal(scaler: Scaler, current: int, ready: int, published: int, tolerance: float) -> int:
    down, up = tolerances(scaler.behavior, tolerance)
    metric = next((each for each in scaler.metrics if each.name == GAUGE), None)
    if metric is not None and metric.target_type == "Value":
        return propose_value(current, ready, published * 1000, _milli(metric), down, up).replicas
    return propose_average(current, published * 1000, _milli(metric), down, up).replicas


def _milli(metric: ExternalMetric | None) -> int:
    """The target in thousandths; KEDA's threshold is 1."""
    if metric is None:
        return 1000
    try:
        return max(1, round(quantity(metric.target) * 1000))
    except ValueError:
        return 1000


def _up_per_minute(behavior: Behavior | None, current: int) -> float:
    if behavior is None:
        return (highest_without_behavior(current) - current) * 60 / SYNC_S
    return _per_minute(behavior.scale_up, current)


def _per_minute(rules: ScalingRules, current: int) -> float:
    """Replicas a minute by the policy that counts, at this count."""
    if rules.select is Select.DISABLED:
        return 0.0
    rates = [
        (policy.value if policy.type is Unit.PODS else current * policy.value / 100) * 60 / policy.period_s
        for policy in rules.policies
    ]
    return min(rates) if rules.select is Select.MIN else max(rates)

"""Plans for the variants of a model when nothing can be said of its load: what runs stays."""

from collections.abc import Sequence

from wva.decide import explain
from wva.decide.room import Room
from wva.decide.supply import placed
from wva.decide.view import bounded, not_draining
from wva.fleet.observation import VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.reason import Reason


def hold(variants: Sequence[VariantObservation], reasons: tuple[Reason, ...]) -> list[VariantPlan]:
    """Keep what the body works towards, and publish nothing unless the bounds call for another count."""
    return [hold_variant(seen, reasons) for seen in variants]


def hold_variant(seen: VariantObservation, reasons: tuple[Reason, ...]) -> VariantPlan:
    """Keep one variant."""
    target = bounded(seen.variant, seen.desired)
    publish = None if target == seen.desired else target
    return VariantPlan(seen.variant.name, not_draining(seen), target, publish, reasons)


def wake(variants: Sequence[VariantObservation], room: Room, reasons: tuple[Reason, ...]) -> list[VariantPlan]:
    """The same, with one replica of the cheapest variant that can have one if there is none of any variant.

    Nothing can be learned of a model that serves nothing, so its first replica is worth its price however little is
    known.
    """
    plans = hold(variants, reasons)
    if any(plan.target > 0 for plan in plans):
        return plans
    able = [
        index for index, seen in enumerate(variants) if seen.variant.max_replicas > 0 and room.fits(seen.variant) != 0
    ]
    if able:
        first = min(able, key=lambda index: (variants[index].variant.cost_per_hour, variants[index].variant.name))
        name, expected = plans[first].variant, plans[first].expected
        plans[first] = VariantPlan(name, expected, 1, 1, (explain.woken(), *reasons))
    return plans


def take_room(variants: Sequence[VariantObservation], plans: Sequence[VariantPlan], room: Room) -> None:
    """Give the hardware that the plans ask for away, pending replicas included."""
    for seen, plan in zip(variants, plans, strict=True):
        room.take(seen.variant, max(0, plan.target - placed(seen)))

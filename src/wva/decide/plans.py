"""Plans for the variants of a model, from what its claim came to, or where nothing can be said of its load."""

from collections.abc import Sequence

from wva.decide import explain
from wva.decide.claim import Claim
from wva.decide.options import option_of
from wva.decide.view import bounded, not_draining
from wva.fleet.model import Model
from wva.fleet.observation import VariantObservation
from wva.fleet.plan import VariantPlan, Victim
from wva.fleet.reason import Reason


def hold_variant(seen: VariantObservation, reasons: tuple[Reason, ...]) -> VariantPlan:
    """Keep what the body works towards, and publish nothing unless the bounds call for a count, whatever is seen."""
    target = bounded(seen.variant, seen.desired)
    called_for = target != seen.desired or seen.variant.min_replicas == seen.variant.max_replicas
    publish = target if called_for else None
    return VariantPlan(seen.variant.name, not_draining(seen), target, publish, reasons)


def waking(model: Model, variants: Sequence[VariantObservation]) -> Claim | None:
    """The claim of a model of which no variant has a replica, although a request waits; ``None`` where one has.

    It is for one replica of the cheapest variant that can have one: nothing can be learned of a model that serves
    nothing, so its first replica is worth its price however little is known.
    """
    if any(bounded(seen.variant, seen.desired) > 0 for seen in variants):
        return None
    options = tuple(option_of(seen, 1.0) for seen in variants if seen.variant.max_replicas > 0)
    return Claim(model, tuple(variants), options, {option.name: 0 for option in options}, need=1.0, held=1.0)


def hold_or_wake(claim: Claim, why: Reason) -> list[VariantPlan]:
    """Keep every variant, but one replica more for a claim of ``waking``."""
    plans = []
    for seen in claim.variants:
        name = seen.variant.name
        if claim.counts.get(name) or claim.slots.get(name):
            plans.append(_grown(claim, seen, (why, explain.woken())))
        else:
            plans.append(hold_variant(seen, (why,)))
    return plans


def let_go(claim: Claim, why: Reason) -> list[VariantPlan]:
    """The plans for a model that needs no replica: down to what has to stay."""
    return [_grown(claim, seen, (why, explain.idle_choice(claim, seen.variant.name))) for seen in claim.variants]


def settled(claim: Claim, seen: VariantObservation, reasons: tuple[Reason, ...]) -> VariantPlan:
    """The plan for one of a claim's options, its last reason being what was decided."""
    return _grown(claim, seen, (*reasons, explain.choice(claim, seen.variant.name)))


def _grown(claim: Claim, seen: VariantObservation, reasons: tuple[Reason, ...]) -> VariantPlan:
    name, expected = seen.variant.name, not_draining(seen)
    target = claim.counts[name]
    slots = claim.slots.get(name, [])
    if slots and target == claim.before[name] and all(slot.certain for slot in slots):
        # What could grow at once would have to wait as well, so it comes first and this in a later plan.
        # A follower cannot be told to wait, so it is told nothing.
        awaited = tuple(dict.fromkeys(replica for slot in slots for replica in slot.awaits))
        return VariantPlan(name, expected, target + len(slots), None, reasons, after_freed=awaited)
    victims = tuple(
        Victim(gift.tenant.replica, None) for gift in claim.gifts if gift.tenant.variant == name and gift.tenant.named
    )
    return VariantPlan(name, expected, target, target, reasons, victims=victims)

"""What a plan means to a body: the rules by which each part of it is answered, the same wherever replicas live."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.variant import Variant

STOPPED_FIRST = (Phase.PENDING, Phase.STARTING, Phase.READY)
"""Order in which a shrink takes replicas; within a phase the newest in it first, so the longest warm serve on."""


class Member(Protocol):
    """A replica, as the choice of victims sees it; a body's own record of it."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def phase(self) -> Phase:
        """Where it is in its life."""

    @property
    def since(self) -> float:
        """When it entered the phase, in any unit."""


M = TypeVar("M", bound=Member)


def in_order(plan: Plan) -> list[int]:
    """Places of the plan's parts in the order to carry them out: what grows into hardware that others leave is last."""
    return sorted(range(len(plan.variants)), key=lambda place: bool(plan.variants[place].after_freed))


def no_such_variant(plan: Plan, part: VariantPlan) -> Outcome:
    """The outcome of a part for a variant that the body does not have."""
    return Outcome(plan.id, part.variant, Result.REFUSED, 0, "no such variant")


def judge(
    plan: Plan, part: VariantPlan, variant: Variant, current: int, *, expired: bool, members: Iterable[Member]
) -> Outcome | int:
    """Check one part against what is there: the count to work towards, or the outcome that changes nothing.

    ``current`` is the number of the variant's replicas that are not draining, ``members`` are all replicas of the body.
    """
    if expired:
        return Outcome(plan.id, part.variant, Result.CONFLICT, current, "the plan has expired")
    if part.expected != current:
        detail = f"{part.expected} expected, {current} found"
        return Outcome(plan.id, part.variant, Result.CONFLICT, current, detail)
    target = min(max(part.target, variant.min_replicas), variant.max_replicas)
    ids = {member.id for member in members} if part.after_freed else set()
    there = [name for name in part.after_freed if name in ids]
    if target > current and there:
        return Outcome(plan.id, part.variant, Result.PENDING, current, f"waits for {', '.join(there)} to be gone")
    return target


def accepted(plan: Plan, part: VariantPlan, target: int, held_up: Sequence[str] = ()) -> Outcome:
    """The outcome of a part that was carried out; ``held_up`` says what keeps replicas of the variant from coming."""
    if target != part.target:
        limit = "max" if target < part.target else "min"
        return Outcome(plan.id, part.variant, Result.CLAMPED, target, f"{limit} {target}")
    if held_up:
        return Outcome(plan.id, part.variant, Result.PENDING, target, "; ".join(held_up))
    return Outcome(plan.id, part.variant, Result.APPLIED, target)


def waiting_for_stock(members: Iterable[Member]) -> tuple[str, ...]:
    """What is to be said of replicas without hardware; empty where all have some."""
    waiting = sum(member.phase is Phase.PENDING for member in members)
    return (f"{waiting} waiting for stock",) if waiting else ()


def victims(members: Sequence[M], count: int, part: VariantPlan) -> list[M]:
    """Those of a variant's replicas, in the order of their orders, that a shrink by ``count`` stops.

    The ones that the plan names in their order, then those that are furthest from serving, the newest first.
    """
    named = [victim.replica for victim in part.victims]
    places = {name: place for place, name in reversed(list(enumerate(named)))}
    own = [member for member in reversed(members) if member.phase in STOPPED_FIRST]
    own.sort(key=lambda one: (places.get(one.id, len(named)), STOPPED_FIRST.index(one.phase), -one.since))
    return own[:count]

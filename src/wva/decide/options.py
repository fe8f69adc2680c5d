"""The variants of a model as things to choose from, within the hardware that is left."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wva.decide.capacity import ReplicaCapacity
from wva.decide.choice import Option, capacity_of, covers, grow
from wva.decide.room import Room
from wva.decide.supply import may_grow, placed
from wva.decide.view import not_draining
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Phase


def options_of(
    variants: Sequence[VariantObservation], capacities: Mapping[str, ReplicaCapacity], lost: Mapping[str, int]
) -> list[Option]:
    """The variants with a known capacity; their counts are what the body already works towards.

    ``lost`` are the replicas of each that are not counted on: where they are many, no more are ordered.
    """
    return [
        _sound(option_of(seen, capacities[seen.variant.name].requests_per_s), seen, lost[seen.variant.name])
        for seen in variants
        if seen.variant.name in capacities
    ]


def _sound(option: Option, seen: VariantObservation, lost: int) -> Option:
    if may_grow(seen, lost):
        return option
    return replace(option, most=max(option.least, min(option.most, option.count)))


def option_of(seen: VariantObservation, unit: float) -> Option:
    """One variant, of which a replica gives ``unit``, whatever hardware there is."""
    variant = seen.variant
    # What cannot reach zero keeps its last replica.
    least = max(variant.min_replicas, 0 if seen.traits.reaches_zero else min(1, seen.desired, variant.max_replicas))
    return Option(variant.name, unit, variant.cost_per_hour, seen.desired, least, variant.max_replicas)


def within_room(options: Sequence[Option], variants: Sequence[VariantObservation], room: Room) -> list[Option]:
    """The options with no more replicas than find hardware."""
    by_name = {seen.variant.name: seen for seen in variants}
    return [_within(option, by_name[option.name], room) for option in options]


def _within(option: Option, seen: VariantObservation, room: Room) -> Option:
    fits = room.fits(seen.variant)
    if fits is None:
        return option
    most = max(option.least, min(option.most, max(option.count, placed(seen) + fits)))
    return option if most == option.most else replace(option, most=most)


def keeping_ready(options: Sequence[Option], variants: Sequence[VariantObservation]) -> Sequence[Option]:
    """The options with their ready replicas kept while others of the model start: what starts serves nobody yet."""
    if not any(seen.in_phase(Phase.STARTING) for seen in variants):
        return options
    ready = {seen.variant.name: len(seen.in_phase(Phase.READY)) for seen in variants}
    return [replace(option, least=max(option.least, min(option.most, ready[option.name]))) for option in options]


def stuck_capacity(
    variants: Sequence[VariantObservation], options: Sequence[Option], coming: Mapping[str, int]
) -> float:
    """Capacity of the replicas that are counted but not ``coming``, by variant: for lack of hardware, or lost."""
    stuck = {
        seen.variant.name: max(0, min(seen.desired, not_draining(seen)) - coming[seen.variant.name])
        for seen in variants
    }
    return capacity_of(options, stuck)


def grow_within(
    variants: Sequence[VariantObservation],
    options: Sequence[Option],
    before: Mapping[str, int],
    need: float,
    room: Room,
) -> dict[str, int]:
    """Add replicas until the need is covered or no more find hardware, variants that share some considered."""
    by_name = {seen.variant.name: seen for seen in variants}
    options = sorted(options, key=lambda option: option.price)
    while True:
        after = dict(before) if covers(capacity_of(options, before), need) else grow(options, before, need)
        orders = [(by_name[o.name].variant, max(0, after[o.name] - placed(by_name[o.name]))) for o in options]
        found = room.trial(orders)
        given = {
            option.name: max(before[option.name], placed(by_name[option.name]) + count)
            for option, count in zip(options, found, strict=True)
        }
        if all(after[name] <= count for name, count in given.items()):
            return after
        # What is short here may be had of another variant.
        options = [replace(option, most=min(option.most, given[option.name])) for option in options]

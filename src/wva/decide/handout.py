"""Hardware handed out to all models at once: the highest priority first, and under scarcity at the cost of lower ones.

Where the hardware suffices, every model gets what it would get alone. Where it does not:

* the minimum of every variant comes first, whatever its model's priority;
* a model that is short then grows into hardware that is coming free, and into what models of lower priority give up;
* models of the same priority fill up side by side, always the one next that covers the smallest share of its need, so
  that all end with about the same share;
* what a model needed of late and lacks is not given to lower ones, so that a need that comes and goes moves nothing.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from wva.decide.choice import Option, grow, shrink
from wva.decide.claim import Claim, Gift, Slot
from wva.decide.offers import Market, Offer
from wva.decide.options import grow_within, keeping_ready, option_of, within_room
from wva.decide.room import Room
from wva.decide.sites import Leaving, Site
from wva.decide.supply import placed
from wva.fleet.variant import Variant

Sites = Mapping[str, Sequence[Site]]


def hand_out(claims: Sequence[Claim], room: Room, sites: Callable[[], Sites], shrink_share: float) -> None:
    """Settle what every model gets; ``sites`` is asked for only where hardware is scarce."""
    ordered = sorted(claims, key=lambda claim: (-claim.model.priority, claim.model.name))
    handout = _Handout(ordered, room, sites, shrink_share)
    handout.secure_minimums()
    for _, group in groupby(ordered, key=lambda claim: claim.model.priority):
        handout.settle(list(group))


class _Handout:
    """The hardware that is left, and the claims, in order of priority and name."""

    def __init__(self, claims: Sequence[Claim], room: Room, sites: Callable[[], Sites], shrink_share: float) -> None:
        self._claims = claims
        self._room = room
        self._sites = sites
        self._shrink_share = shrink_share
        self._market: Market | None = None
        self._stood_aside: set[str] = set()
        """Accelerators that models lower than the group at hand no longer wait for."""
        self._variants = {seen.variant.name: seen.variant for claim in claims for seen in claim.variants}

    def secure_minimums(self) -> None:
        """Find hardware for variants that have less of it than their minimum, whoever holds it."""
        for claim in self._claims:
            for seen in claim.variants:
                for _ in range(seen.variant.min_replicas - placed(seen)):
                    if self._room.take(seen.variant, 1):
                        claim.secured[seen.variant.name] += 1
                        continue
                    offer = self._best_offer(claim, [option_of(seen, 1.0)], math.inf)
                    if offer is None:
                        break
                    self._accept(offer, claim, for_minimum=True)

    def settle(self, group: Sequence[Claim]) -> None:
        """Hand out to the models of one priority, higher ones being settled."""
        start = [dict(claim.counts) for claim in group]
        self._stood_aside.clear()
        left = self._room.copy()
        for claim in group:
            self._grow_alone(claim, left)
        if not any(claim.short and self._hardware_limits(claim) for claim in group):
            self._room = left
        elif len(group) == 1:
            self._room = left
            self._fill(group)
        else:
            for claim, counts in zip(group, start, strict=True):
                claim.settle(dict(counts))
                self._order(claim, self._room)
            self._fill(group)
        for claim, counts in zip(group, start, strict=True):
            if claim.counts == counts and claim.yields and not (claim.gifts or claim.slots or claim.withdrawn):
                options = keeping_ready(claim.options, claim.variants)
                claim.settle(shrink(options, counts, claim.held, self._shrink_share))
        for claim in group:
            self._reserve(claim)

    def _best_offer(self, claim: Claim, options: Sequence[Option], priority: float) -> Offer | None:
        if self._market is None:
            self._market = Market(self._claims, self._sites())
        found = [self._market.offer(claim, option, priority, self._room) for option in options]
        return min((offer for offer in found if offer is not None), key=lambda offer: offer.price, default=None)

    def _grow_alone(self, claim: Claim, room: Room) -> None:
        options = self._within(claim, room)
        claim.settle(grow_within(claim.variants, options, claim.counts, claim.need, room))
        self._order(claim, room)

    def _order(self, claim: Claim, room: Room) -> None:
        """Take the hardware of replicas that have none yet."""
        for seen, count in claim.orders():
            room.take(seen.variant, count)

    def _within(self, claim: Claim, room: Room) -> list[Option]:
        """Its options, as far as hardware is free; what it gives up does not grow at the same time."""
        frozen = {gift.tenant.variant for gift in claim.gifts} | set(claim.withdrawn)
        return [
            replace(option, most=claim.counts[option.name]) if option.name in frozen else option
            for option in within_room(claim.options, claim.variants, room)
        ]

    def _hardware_limits(self, claim: Claim) -> bool:
        return any(
            claim.total(option.name) < option.most and self._room.limited(self._variants[option.name].accelerator)
            for option in claim.options
        )

    def _fill(self, group: Sequence[Claim]) -> None:
        """Add replicas one by one, always to the model that covers the smallest share of its need."""
        active = list(group)
        while active:
            poorest = min(active, key=lambda claim: (claim.share(), claim.model.name))
            if not (poorest.short and (self._grow_by_one(poorest) or self._wait_for_one(poorest))):
                active.remove(poorest)

    def _grow_by_one(self, claim: Claim) -> bool:
        """Add the next replica towards the cheapest fleet, on free hardware."""
        totals = {option.name: claim.total(option.name) for option in claim.options}
        options = [
            replace(option, most=min(option.most, totals[option.name] + self._fits(claim, option)))
            for option in claim.options
        ]
        after = grow(options, totals, claim.need)
        for option in sorted(options, key=lambda option: option.price):
            if after[option.name] > totals[option.name] and self._room.take(self._variants[option.name], 1):
                claim.add(option.name)
                return True
        return False

    def _fits(self, claim: Claim, option: Option) -> int:
        if claim.given(option.name) or option.name in claim.withdrawn:
            return 0
        fits = self._room.fits(self._variants[option.name])
        return option.most if fits is None else fits

    def _wait_for_one(self, claim: Claim) -> bool:
        """Add a replica on hardware that is coming free, or that others give up."""
        options = [option for option in claim.options if claim.total(option.name) < option.most]
        offer = self._best_offer(claim, options, claim.model.priority)
        if offer is None:
            return False
        self._accept(offer, claim, for_minimum=False)
        return True

    def _accept(self, offer: Offer, claim: Claim, *, for_minimum: bool) -> None:
        variant = self._variants[offer.option.name]
        missing = variant.gpus_per_replica - offer.open
        if offer.site.node is not None:
            self._room.keep(variant.accelerator, offer.site.node, offer.open)
        for victim, owner in offer.victims:
            owner.give(Gift(victim, claim.model, for_minimum))
            offer.site.tenants.remove(victim)
        freed = [Leaving(victim.replica if victim.named else None, victim.gpus) for victim, _ in offer.victims]
        offer.site.leaving.extend(freed)
        for item in (*offer.leaving, *freed):
            used = min(item.gpus, missing)
            item.gpus -= used
            missing -= used
        awaited = [item.replica for item in (*offer.leaving, *freed)]
        if not for_minimum:
            # Below its minimum a variant has ordered its replicas already; here they must not be ordered too early.
            slot = Slot(
                tuple(name for name in awaited if name is not None),
                None not in awaited,
                tuple(owner.model for _, owner in offer.victims),
            )
            claim.wait(variant.name, slot)
        if for_minimum:
            self._withdraw(variant, claim, math.inf)
        elif variant.accelerator not in self._stood_aside:
            self._stood_aside.add(variant.accelerator)
            self._withdraw(variant, claim, claim.model.priority)

    def _withdraw(self, variant: Variant, claim: Claim, priority: float) -> None:
        """Have lower models no longer wait for hardware that is meant for this one."""
        for other in self._claims:
            if other is not claim and other.yields and other.model.priority < priority:
                for option in other.options:
                    if self._variants[option.name].accelerator == variant.accelerator:
                        other.withdraw(option, claim.model)

    def _reserve(self, claim: Claim) -> None:
        """Withhold what it needed of late and does not have from the models that come after it."""
        missing = claim.missing()
        options = [option for option in claim.options if claim.total(option.name) < option.most]
        if not all(self._room.limited(self._variants[option.name].accelerator) for option in options):
            return
        for option in sorted(options, key=lambda option: option.price):
            most = option.most - claim.total(option.name)
            while most > 0 and missing > 0.0 and self._room.take(self._variants[option.name], 1):
                missing -= option.unit
                most -= 1

"""Hardware that a model short of it could get from others, and what that costs them.

A replica does not span nodes, so all of its hardware comes from one: what is free there, what replicas that drain
leave, and what others there give up. Others give up replicas above their minimum in this order:

1. capacity that its model has not needed of late, since nobody loses anything by it;
2. the lowest priority first;
3. within a priority, from the model that then still covers the largest share of its need;
4. within a model, where the smallest share of its need is lost per GPU.

A model of the same priority gives only while it stays better off than the taker is: see ``BAND``.
"""

import math
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wva.decide.choice import Option
from wva.decide.claim import Claim
from wva.decide.room import Room
from wva.decide.sites import Leaving, Site, Tenant

BAND = 0.1
"""Share of its need by which a model must stay ahead of another of the same priority that it gives a replica to. It
keeps replicas from moving to and fro: the way back would need twice as much."""

NEGLIGIBLE = 1e-9
"""Shares that differ by less are the same."""


class Price(NamedTuple):
    """What an offer costs, for sorting: the option is the cheapest of those that hurt no higher priority."""

    hurt: float
    """Highest priority of a model that then covers less of its need; minus infinity without one."""
    gives: bool
    """Whether anybody gives up anything: where nobody is hurt, waiting comes first."""
    option: tuple[float, str]
    """Price of the option's capacity."""
    losses: tuple[tuple[int, float, float], ...]
    """Of every model that is hurt its priority, the share of its need not covered then, and the share lost."""
    gpus: int
    """GPUs of the replicas that go."""
    node: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Hardware on one node for one replica of an option."""

    option: Option
    site: Site
    open: int
    """GPUs of it that are free."""
    leaving: tuple[Leaving, ...]
    victims: tuple[tuple[Tenant, Claim], ...]
    """Replicas to be given up for it, with the claims of their models."""
    price: Price


class _Toll(NamedTuple):
    """What of a price depends on the replicas that go, in the order of ``Price``."""

    hurt: float
    gives: bool
    losses: tuple[tuple[int, float, float], ...]
    gpus: int


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found of the replicas that would go from a site, for as long as nobody on it has changed."""

    threshold: float
    """Share that models of the taker's own priority had to keep."""
    ceiling: float
    """The highest for which the same ones would go."""
    victims: tuple[Tenant, ...] | None
    """``None`` where there are not enough."""
    toll: _Toll


@dataclass(slots=True)
class _Places:
    """The sites of one accelerator."""

    nodes: list[Site]
    """Those with a name, and those without where something comes free."""
    alone: dict[str, deque[Site]]
    """By variant those that one replica is by itself on, the first of which is as good as any."""


class Market:
    """What the models hold, as something that others could get.

    There may be thousands of sites, and as many replicas missing. So what would go from a site is found anew only where
    a model on it has changed, and replicas that are by themselves are looked at once a variant.
    """

    def __init__(self, claims: Sequence[Claim], sites: Mapping[str, Sequence[Site]]) -> None:
        self._owner = {option.name: claim for claim in claims for option in claim.options}
        self._option = {option.name: option for claim in claims for option in claim.options}
        self._places = {accelerator: _places(own) for accelerator, own in sites.items()}
        self._order = {id(site): place for own in sites.values() for place, site in enumerate(own)}
        self._known: dict[tuple[int, int, float], tuple[int, _Known]] = {}
        """By site, GPUs and priority, with how often the models on the site had changed then."""
        self._owners = {id(site): self._owners_on(site) for own in sites.values() for site in own}
        """The models on each site at first: others do not come."""

    def offer(self, claim: Claim, option: Option, priority: float, room: Room) -> Offer | None:
        """The best way to get one more replica of the option at that priority; ``None`` where there is none."""
        (seen,) = (seen for seen in claim.variants if seen.variant.name == option.name)
        accelerator, gpus = seen.variant.accelerator, seen.variant.gpus_per_replica
        places = self._places.get(accelerator)
        if places is None:
            return None
        free = room.open_nodes(accelerator)
        threshold = min(1.0, claim.share() + BAND)
        best: tuple[_Toll, str, int] | None = None
        offer: Offer | None = None
        for site in (*_first_of_each(places, gpus), *places.nodes):
            open_gpus = min(gpus, 0 if site.node is None else free.get(site.node, 0))
            missing, leaving = gpus - open_gpus, []
            for item in site.leaving:
                if missing > 0 and item.gpus > 0:
                    leaving.append(item)
                    missing -= item.gpus
            found = self._found(claim, site, missing, priority, threshold) if missing > 0 else _NOBODY
            if found.victims is None or not (leaving or found.victims):
                continue
            # Of those that cost the same, the first site counts.
            rank = found.toll, site.node or "", self._order[id(site)]
            if best is None or rank < best:
                owned = tuple((victim, self._owner[victim.variant]) for victim in found.victims)
                best, offer = rank, Offer(option, site, open_gpus, tuple(leaving), owned, _price(option, site, found))
        return offer

    def _owners_on(self, site: Site) -> tuple[Claim, ...]:
        owners = {id(owner): owner for tenant in site.tenants if (owner := self._owner.get(tenant.variant))}
        return tuple(owners.values())

    def _found(self, claim: Claim, site: Site, missing: int, priority: float, threshold: float) -> _Known:
        """Replicas on the site that would free that many GPUs, and whom that would hurt."""
        owners = self._owners[id(site)]
        if claim in owners:
            return self._find(claim, site, missing, priority, threshold)
        changes = owners[0].changes if len(owners) == 1 else sum([owner.changes for owner in owners])
        key = (id(site), missing, priority)
        then, known = self._known.get(key, (changes, None))
        if known is None or then != changes or not known.threshold <= threshold <= known.ceiling:
            known = self._find(claim, site, missing, priority, threshold)
            self._known[key] = changes, known
        return known

    def _find(self, claim: Claim, site: Site, missing: int, priority: float, threshold: float) -> _Known:
        chosen: list[Tenant] = []
        freed, ceiling = 0, math.inf
        while freed < missing:
            able = [t for t in site.tenants if t not in chosen and self._may_go(t, chosen, claim, priority, threshold)]
            if not able:
                return _Known(threshold, math.inf, None, _NOTHING)
            chosen.append(min(able, key=lambda tenant: self._reluctance(tenant, chosen)))
            freed += chosen[-1].gpus
            owner = self._owner[chosen[-1].variant]
            if owner.model.priority == priority:
                # Where more must be kept, fewer are able, but the choice among them stays as long as this one is.
                ceiling = min(ceiling, owner.share(self._gone(owner, chosen)))
        # What was taken first may have become superfluous by what came later; the dearest is spared first.
        for tenant in reversed(chosen.copy()):
            if freed - tenant.gpus >= missing:
                chosen.remove(tenant)
                freed -= tenant.gpus
        return _Known(threshold, ceiling, tuple(chosen), self._toll(chosen))

    def _gone(self, owner: Claim, victims: Sequence[Tenant]) -> tuple[str, ...]:
        """The variants of those that are the model's."""
        return tuple(sorted([victim.variant for victim in victims if self._owner[victim.variant] is owner]))

    def _may_go(
        self, tenant: Tenant, chosen: Sequence[Tenant], claim: Claim, priority: float, threshold: float
    ) -> bool:
        owner = self._owner.get(tenant.variant)
        if owner is None or owner is claim or not owner.yields or owner.model.priority > priority:
            return False
        gone = self._gone(owner, [*chosen, tenant]) if chosen else (tenant.variant,)
        count = owner.counts[tenant.variant]
        # Giving one up while another is ordered would leave the count, and the replica.
        if count > owner.before[tenant.variant]:
            return False
        if count - gone.count(tenant.variant) < self._option[tenant.variant].least:
            return False
        return owner.model.priority < priority or owner.share(gone) >= threshold

    def _reluctance(
        self, tenant: Tenant, chosen: Sequence[Tenant]
    ) -> tuple[float, float, float, tuple[bool, float], str]:
        """What it costs to let a replica go after those, for sorting."""
        owner = self._owner[tenant.variant]
        before = owner.share(self._gone(owner, chosen))
        after = owner.share(self._gone(owner, [*chosen, tenant]))
        lost = min(1.0, before) - min(1.0, after)
        return (
            owner.model.priority if lost > NEGLIGIBLE else -math.inf,
            -min(1.0, after),
            lost / tenant.gpus,
            tenant.order,
            tenant.replica,
        )

    def _toll(self, victims: Sequence[Tenant]) -> _Toll:
        hurt = []
        for owner in {id(self._owner[each.variant]): self._owner[each.variant] for each in victims}.values():
            before, after = min(1.0, owner.share()), min(1.0, owner.share(self._gone(owner, victims)))
            if before - after > NEGLIGIBLE:
                hurt.append((owner.model.priority, 1.0 - after, before - after))
        hurt.sort(reverse=True)
        return _Toll(
            hurt=float(hurt[0][0]) if hurt else -math.inf,
            gives=bool(victims),
            losses=tuple(hurt),
            gpus=sum(victim.gpus for victim in victims),
        )


_NOTHING = _Toll(-math.inf, False, (), 0)
_NOBODY = _Known(0.0, math.inf, (), _NOTHING)


def _places(sites: Sequence[Site]) -> _Places:
    nodes, alone = [], defaultdict[str, deque[Site]](deque)
    for site in sites:
        if site.node is None and len(site.tenants) == 1 and not site.leaving:
            alone[site.tenants[0].variant].append(site)
        else:
            nodes.append(site)
    return _Places(nodes, alone)


def _first_of_each(places: _Places, gpus: int) -> Iterator[Site]:
    """Of each variant of so many GPUs the first replica by itself; where one has gone by now, something may be free."""
    for own in places.alone.values():
        while own and not own[0].tenants:
            gone = own.popleft()
            if any(item.gpus for item in gone.leaving):
                places.nodes.append(gone)
        if own and own[0].tenants[0].gpus >= gpus:
            yield own[0]


def _price(option: Option, site: Site, found: _Known) -> Price:
    toll = found.toll
    return Price(toll.hurt, toll.gives, option.price, toll.losses, toll.gpus, site.node or "")

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wva.decide.choice import Option
from wva.decide.claim import Claim, losses
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


class Market:
    """What the models hold, as something that others could get."""

    def __init__(self, claims: Sequence[Claim], sites: Mapping[str, Sequence[Site]]) -> None:
        self._owner = {option.name: claim for claim in claims for option in claim.options}
        self._option = {option.name: option for claim in claims for option in claim.options}
        self._sites = sites

    def offers(self, claim: Claim, option: Option, priority: float, room: Room) -> Iterator[Offer]:
        """The ways to get one more replica of the option at that priority, one a node at most."""
        (seen,) = (seen for seen in claim.variants if seen.variant.name == option.name)
        accelerator, gpus = seen.variant.accelerator, seen.variant.gpus_per_replica
        free = room.open_nodes(accelerator)
        for site in self._sites.get(accelerator, ()):
            open_gpus = min(gpus, 0 if site.node is None else free.get(site.node, 0))
            missing, leaving = gpus - open_gpus, []
            for item in site.leaving:
                if missing > 0 and item.gpus > 0:
                    leaving.append(item)
                    missing -= item.gpus
            victims = self._victims(claim, site, missing, priority) if missing > 0 else []
            if victims is not None and (leaving or victims):
                owned = tuple((victim, self._owner[victim.variant]) for victim in victims)
                yield Offer(option, site, open_gpus, tuple(leaving), owned, self._price(option, site, victims))

    def _victims(self, claim: Claim, site: Site, missing: int, priority: float) -> list[Tenant] | None:
        """Replicas on the site that would free that many GPUs, ``None`` where there are not enough."""
        chosen: list[Tenant] = []
        freed = 0
        while freed < missing:
            able = [t for t in site.tenants if t not in chosen and self._may_go(t, chosen, claim, priority)]
            if not able:
                return None
            chosen.append(min(able, key=lambda tenant: self._reluctance(tenant, chosen)))
            freed += chosen[-1].gpus
        # What was taken first may have become superfluous by what came later; the dearest is spared first.
        for tenant in reversed(chosen.copy()):
            if freed - tenant.gpus >= missing:
                chosen.remove(tenant)
                freed -= tenant.gpus
        return chosen

    def _may_go(self, tenant: Tenant, chosen: Sequence[Tenant], claim: Claim, priority: float) -> bool:
        owner = self._owner.get(tenant.variant)
        if owner is None or owner is claim or not owner.yields or owner.model.priority > priority:
            return False
        change = losses([*chosen, tenant])
        count = owner.counts[tenant.variant]
        # Giving one up while another is ordered would leave the count, and the replica.
        if count > owner.before[tenant.variant] or count + change[tenant.variant] < self._option[tenant.variant].least:
            return False
        return owner.model.priority < priority or owner.share(change) >= min(1.0, claim.share() + BAND)

    def _reluctance(
        self, tenant: Tenant, chosen: Sequence[Tenant]
    ) -> tuple[float, float, float, tuple[bool, float], str]:
        """What it costs to let a replica go after those, for sorting."""
        owner = self._owner[tenant.variant]
        before, after = owner.share(losses(chosen)), owner.share(losses([*chosen, tenant]))
        lost = min(1.0, before) - min(1.0, after)
        return (
            owner.model.priority if lost > NEGLIGIBLE else -math.inf,
            -min(1.0, after),
            lost / tenant.gpus,
            tenant.order,
            tenant.replica,
        )

    def _price(self, option: Option, site: Site, victims: Sequence[Tenant]) -> Price:
        change = losses(victims)
        hurt = []
        for owner in {id(self._owner[name]): self._owner[name] for name in change}.values():
            before, after = min(1.0, owner.share()), min(1.0, owner.share(change))
            if before - after > NEGLIGIBLE:
                hurt.append((owner.model.priority, 1.0 - after, before - after))
        hurt.sort(reverse=True)
        return Price(
            hurt=float(hurt[0][0]) if hurt else -math.inf,
            gives=bool(victims),
            option=option.price,
            losses=tuple(hurt),
            gpus=sum(victim.gpus for victim in victims),
            node=site.node or "",
        )

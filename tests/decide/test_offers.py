"""The best offer under scarcity is the one that a look at every site finds, however many there are."""

import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decide.worlds import MODEL, TRAITS, replica, seen, variant
from wva.decide import handout
from wva.decide.choice import Option, capacity_of
from wva.decide.claim import Claim
from wva.decide.handout import hand_out
from wva.decide.offers import Market, Offer, _price
from wva.decide.options import option_of
from wva.decide.plans import settled
from wva.decide.room import Room
from wva.decide.sites import sites_of
from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.observation import VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Phase

NODE_GPUS = 8


class EverySite(Market):
    """Looks at every site anew."""

    def __init__(self, claims: Sequence[Claim], sites: handout.Sites) -> None:
        super().__init__(claims, sites)
        self._sites = sites

    def offer(self, claim: Claim, option: Option, priority: float, room: Room) -> Offer | None:
        (own,) = (one.variant for one in claim.variants if one.variant.name == option.name)
        free, found = room.open_nodes(own.accelerator), []
        for site in self._sites.get(own.accelerator, ()):
            open_gpus = min(own.gpus_per_replica, 0 if site.node is None else free.get(site.node, 0))
            missing, leaving = own.gpus_per_replica - open_gpus, []
            for item in site.leaving:
                if missing > 0 and item.gpus > 0:
                    leaving.append(item)
                    missing -= item.gpus
            known = self._find(claim, site, missing, priority, min(1.0, claim.share() + 0.1))
            if known.victims is not None and (leaving or known.victims):
                victims = tuple((victim, self._owner[victim.variant]) for victim in known.victims)
                price = _price(option, site, known)
                found.append(Offer(option, site, open_gpus, tuple(leaving), victims, price))
        return min(found, key=lambda offer: offer.price, default=None)


def world(random: Random, models: int, nodes: int, short: float) -> tuple[list[Claim], Room]:
    """Models with two variants each on full and nearly full nodes; some need more than they have."""
    free, used = [NODE_GPUS] * nodes, 0
    claims = []
    for number in range(models):
        name = f"m{number}"
        variants: list[VariantObservation] = []
        options: list[Option] = []
        for size in random.sample((1, 1, 2, 4), 2):
            own = variant(f"{name}-{len(variants)}", model=name, tensor_parallel=size, max_replicas=100)
            there = []
            for _ in range(random.randint(0, 4)):
                node = random.choice([place for place in range(nodes) if free[place] >= size] or [-1])
                if node < 0:
                    continue
                free[node] -= size
                phase = random.choice((Phase.READY,) * 8 + (Phase.STARTING, Phase.DRAINING))
                at = replica(f"r{used}", phase, since=-float(random.randint(0, 500)))
                there.append(replace(at, node=f"n{node}"))
                used += 1
            shown = seen(own, *there)
            shown = replace(shown, traits=replace(TRAITS, chooses_victims=number % 2 == 0))
            variants.append(shown)
            options.append(option_of(shown, size * random.uniform(0.8, 1.2)))
        before = {option.name: min(max(option.count, option.least), option.most) for option in options}
        has = capacity_of(options, before)
        need = (has + 1.0) * random.uniform(1.2, 1.6) if random.random() < short else has * random.uniform(0.4, 1.0)
        model = replace(MODEL, name=name, priority=random.choice((0, 1, 1)))
        claims.append(Claim(model, tuple(variants), tuple(options), before, need, need, yields=random.random() < 0.9))
    known = {f"n{node}": gpus for node, gpus in enumerate(free) if gpus}
    pool = Pool("p", "H100-80GB", Supply.FIXED, nodes * NODE_GPUS, tuple(known.values()), tuple(known))
    return claims, Room(Inventory((pool,)))


def decided(seed: int, models: int, nodes: int, short: float) -> list[VariantPlan]:
    claims, room = world(Random(seed), models, nodes, short)
    everything = [one for claim in claims for one in claim.variants]
    hand_out(claims, room, lambda: sites_of(everything, room, 0.0), 0.5)
    return [settled(claim, one, ()) for claim in claims for one in claim.variants]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), models=st.integers(2, 12), crowded=st.floats(0.5, 2.0))
def test_what_is_handed_out_is_as_if_every_site_were_looked_at(seed: int, models: int, crowded: float) -> None:
    nodes = max(1, round(models * crowded))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handout, "Market", EverySite)
        wanted = decided(seed, models, nodes, 0.4)
    assert decided(seed, models, nodes, 0.4) == wanted


@pytest.mark.slow
def test_scarcity_in_a_large_fleet_is_decided_in_seconds() -> None:
    claims, room = world(Random(1), 1000, 900, 0.15)
    everything = [one for claim in claims for one in claim.variants]
    began = time.process_time()
    hand_out(claims, room, lambda: sites_of(everything, room, 0.0), 0.5)
    assert time.process_time() - began < 10.0
    assert sum(bool(claim.slots) for claim in claims) > 100

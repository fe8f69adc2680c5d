"""What holds of every hand-out: random models on random nodes, decided again and again until nothing moves."""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decide.worlds import MODEL, TRAITS, replica, seen, variant
from wva.decide.claim import Claim
from wva.decide.handout import hand_out
from wva.decide.options import option_of
from wva.decide.plans import settled
from wva.decide.room import Room
from wva.decide.sites import sites_of
from wva.fleet.inventory import Inventory, Pool, Supply
from wva.fleet.observation import VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.variant import Variant

NODE_GPUS = 8
MOST_ROUNDS = 40


@dataclass(frozen=True)
class Kind:
    """A model with one variant."""

    variant: Variant
    priority: int
    need: float
    unit: float


@dataclass
class World:
    """Replicas on nodes, and a body that carries plans out at once."""

    kinds: tuple[Kind, ...]
    nodes: int
    replicas: list[tuple[str, Kind, int]] = field(default_factory=list)
    """(id, kind, node), in the order of their orders."""
    ordered: int = 0

    def free(self, node: int) -> int:
        return NODE_GPUS - sum(kind.variant.gpus_per_replica for _, kind, place in self.replicas if place == node)

    def add(self, kind: Kind) -> bool:
        """Put a replica on the fullest node that has room."""
        roomy = [(self.free(n), n) for n in range(self.nodes) if self.free(n) >= kind.variant.gpus_per_replica]
        if roomy:
            self.ordered += 1
            self.replicas.append((f"{kind.variant.name}-{self.ordered}", kind, min(roomy)[1]))
        return bool(roomy)

    def count(self, kind: Kind) -> int:
        return sum(own is kind for _, own, _ in self.replicas)

    def shown(self, kind: Kind) -> VariantObservation:
        own = [(number, name, node) for number, (name, other, node) in enumerate(self.replicas) if other is kind]
        # The later it was ordered, the newer it is.
        there = [replace(replica(name, since=number - 1000.0), node=f"n{node}") for number, name, node in own]
        return replace(seen(kind.variant, *there), traits=replace(TRAITS, chooses_victims=True))

    def decide(self, order: list[int]) -> dict[str, VariantPlan]:
        known = {f"n{node}": self.free(node) for node in range(self.nodes) if self.free(node)}
        pool = Pool("p", "H100-80GB", Supply.FIXED, 64, tuple(known.values()), tuple(known))
        room = Room(Inventory((pool,)))
        claims = []
        for kind in [self.kinds[place] for place in order]:
            shown = self.shown(kind)
            option = option_of(shown, kind.unit)
            count = min(max(shown.desired, option.least), option.most)
            model = replace(MODEL, name=kind.variant.model, priority=kind.priority)
            claims.append(Claim(model, (shown,), (option,), {option.name: count}, kind.need, kind.need, yields=True))
        everything = [one for claim in claims for one in claim.variants]
        hand_out(claims, room, lambda: sites_of(everything, room, 0.0), 1.0)
        return {claim.variants[0].variant.name: settled(claim, claim.variants[0], ()) for claim in claims}

    def carry_out(self, plans: dict[str, VariantPlan]) -> None:
        """Shrinks first; what waits for replicas that are gone then grows as well."""
        for kind in self.kinds:
            plan = plans[kind.variant.name]
            gone = {victim.replica for victim in plan.victims}
            assert len(gone) <= max(0, self.count(kind) - plan.target)
            self.replicas = [one for one in self.replicas if one[0] not in gone]
            while self.count(kind) > plan.target:
                self.replicas.remove(next(one for one in reversed(self.replicas) if one[1] is kind))
        there = {name for name, _, _ in self.replicas}
        for kind in self.kinds:
            plan = plans[kind.variant.name]
            if not there & set(plan.after_freed):
                while self.count(kind) < plan.target:
                    if not self.add(kind):
                        # A minimum is asked for even where there is no hardware for it.
                        assert self.count(kind) < kind.variant.min_replicas
                        break


@st.composite
def worlds(draw: st.DrawFn) -> World:
    kinds = []
    for number in range(draw(st.integers(2, 4))):
        least = draw(st.integers(0, 2))
        of = variant(
            f"v{number}",
            model=f"m{number}",
            tensor_parallel=draw(st.sampled_from((1, 1, 2, 4, 8))),
            min_replicas=least,
            max_replicas=least + draw(st.integers(0, 20)),
        )
        kinds.append(
            Kind(of, draw(st.integers(0, 2)), draw(st.integers(0, 20)) * 1.0, draw(st.sampled_from((1.0, 3.0))))
        )
    world = World(tuple(kinds), draw(st.integers(1, 3)))
    for kind in kinds:
        for _ in range(kind.variant.min_replicas):
            world.add(kind)
    for place in draw(st.lists(st.integers(0, len(kinds) - 1), max_size=30)):
        if world.count(kinds[place]) < kinds[place].variant.max_replicas:
            world.add(kinds[place])
    return world


def covers(world: World, kind: Kind, fewer: int = 0) -> bool:
    return (world.count(kind) - fewer) * kind.unit >= kind.need * (1 - 1e-9)


def nobody_is_short_beside_lower_ones(world: World) -> None:
    """No node has enough that is free or held by replicas of lower models above their minimum."""
    for kind in world.kinds:
        if covers(world, kind) or world.count(kind) >= kind.variant.max_replicas:
            continue
        for node in range(world.nodes):
            spare = Counter({other: world.count(other) - other.variant.min_replicas for other in world.kinds})
            gpus = world.free(node)
            for _, other, place in world.replicas:
                if place == node and other.priority < kind.priority and spare[other] > 0:
                    spare[other] -= 1
                    gpus += other.variant.gpus_per_replica
            assert gpus < kind.variant.gpus_per_replica


@settings(max_examples=150, deadline=None)
@given(world=worlds(), data=st.data())
def test_every_hand_out_is_sound_and_comes_to_rest(world: World, data: st.DataObject) -> None:
    order = list(range(len(world.kinds)))
    minimums = [min(world.count(kind), kind.variant.min_replicas) for kind in world.kinds]
    plans = world.decide(order)
    assert world.decide(data.draw(st.permutations(order))) == plans
    for _ in range(MOST_ROUNDS):
        held = list(world.replicas)
        world.carry_out(plans)
        assert all(world.free(node) >= 0 for node in range(world.nodes))
        for kind, minimum in zip(world.kinds, minimums, strict=True):
            assert world.count(kind) >= minimum
            assert plans[kind.variant.name].target <= kind.variant.max_replicas
        plans = world.decide(order)
        if world.replicas == held:
            break
    else:
        raise AssertionError("it never came to rest")
    nobody_is_short_beside_lower_ones(world)

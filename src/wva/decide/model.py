"""The decision for one model: what it needs, and the plan for what it gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wva.decide import explain
from wva.decide.bursts import remember_burst
from wva.decide.capacity import ReplicaCapacity, replica_capacity, weights_of
from wva.decide.case import Case, Scene, Wanted
from wva.decide.choice import Option, capacity_of, within_bounds, worth_having
from wva.decide.claim import Claim
from wva.decide.demand import Demand, Lasting, measure
from wva.decide.hold import held_need, hold_s, remember_need
from wva.decide.memory import ModelMemory, Need
from wva.decide.mix import remember_lengths, request_mix
from wva.decide.need import Requirement, occupied_capacity, required, to_cover
from wva.decide.options import option_of, options_of, stuck_capacity
from wva.decide.persistence import remember_excursion, share_of
from wva.decide.plans import hold_or_wake, hold_variant, let_go, settled, waking
from wva.decide.quiet import retention_s, retired, watched
from wva.decide.samples import recent_output_tokens, remember_generated, remember_sample
from wva.decide.startup import time_to_ready_s
from wva.decide.supply import coming, lost, rolling_out
from wva.decide.trust import backlog, generated, lengths, load_sample, occupancy
from wva.decide.weights import Weights
from wva.engine.mix import RequestMix
from wva.fleet.observation import Trigger, VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class Learned:
    """What a decision adds to memory before it looks at capacity."""

    memory: ModelMemory
    seen: bool
    """Whether the load is known now."""
    new: bool
    """Whether it comes from a scrape that no decision saw before."""
    prefix_hit_rate: float


def assess(scene: Scene, memory: ModelMemory | None) -> tuple[Case, ModelMemory]:
    """What the model needs, whatever hardware there is, and what to remember."""
    memory = memory or ModelMemory(since=scene.now)
    quiet = watched(memory.quiet, scene.model, scene.variants, scene.now, scene.settings)
    learned = _learn(scene, memory if quiet is memory.quiet else replace(memory, quiet=quiet))
    memory = learned.memory
    if retired(quiet, scene.model.model, scene.settings) and not _waits(scene):
        return _idle(scene), memory
    if not learned.seen:
        return _blind(scene, memory, "the gateway's figures are missing or stale"), memory
    recent = recent_output_tokens(memory, max(scene.settings.answer_window_s, memory.residence_s))
    mix = request_mix(memory, recent, learned.prefix_hit_rate)
    if mix is None:
        return _blind(scene, memory, "no request has finished yet, so lengths are unknown"), memory
    capacities = _capacities(scene, mix)
    if not capacities:
        return _blind(scene, memory, "no variant has a known capacity within the objectives"), memory
    gone = {
        seen.variant.name: lost(seen, scene.memories[seen.variant.name].startup, scene.now, scene.settings)
        for seen in scene.variants
    }
    options = options_of(scene.variants, capacities, gone)
    cheapest = capacities[min(options, key=lambda option: option.price).name]
    weights = weights_of(cheapest, mix)
    horizon_s = _horizon_s(scene)
    memory, demand = _forecast(
        scene, replace(memory, residence_s=cheapest.residence_s), weights, horizon_s, learned.new
    )
    if demand is None:
        return _blind(scene, memory, "the load has not been seen for long enough"), memory
    requirement = _requirement(scene, memory, demand, cheapest, capacities, weights)
    kept_s = hold_s(memory, scene.now, demand.deviation, horizon_s, scene.settings)
    memory = remember_need(memory, Need(scene.now, requirement.total), kept_s, scene.settings)
    held = held_need(memory, scene.now, kept_s)
    guard = _guard(scene, memory, demand)
    claim, needed = _claimed(scene, options, gone, requirement, held, yields=guard is None)
    reasons = [explain.load(demand, horizon_s), needed]
    if any(gone.values()):
        reasons.append(explain.lost(gone))
    if guard is not None:
        reasons.append(guard)
    return Case(scene, claim, Wanted(capacities, tuple(reasons))), memory


def plans_of(case: Case) -> list[VariantPlan]:
    """Plans for the model's variants, once its claim is settled."""
    if case.wanted is None:
        assert case.why is not None
        return let_go(case.claim, case.why) if case.idle else hold_or_wake(case.claim, case.why)
    return [_plan(case, case.wanted, seen) for seen in case.scene.variants]


def _idle(scene: Scene) -> Case:
    """Need nothing. What a replica could serve does not matter then, so it need not be known."""
    model, options = scene.model.model, tuple(option_of(seen, 1.0) for seen in scene.variants)
    guard = _rollout_guard(scene)
    claim = Claim(model, scene.variants, options, within_bounds(options), yields=guard is None)
    return Case(scene, claim, None, guard or explain.idle(retention_s(model, scene.settings)), idle=True)


def _learn(scene: Scene, memory: ModelMemory) -> Learned:
    settings = scene.settings
    held = occupancy(scene.variants, settings)
    memory = remember_generated(memory, generated(scene.variants, settings))
    # A waiting request holds KV cache for its residence of the time in which the queue is worked off (Little's law).
    waiting_holds = (memory.context_tokens or 0.0) * min(1.0, memory.residence_s / settings.backlog_s)
    sample = load_sample(scene.model, held, waiting_holds, memory.generated, scene.now, settings)
    if sample is None:
        return Learned(memory, seen=False, new=False, prefix_hit_rate=0.0)
    previous = memory.samples[-1].time if memory.samples else sample.time
    new = not memory.samples or sample.time > previous
    memory = remember_sample(memory, sample, scene.now, settings)
    finished = lengths(scene.variants, settings)
    memory = remember_lengths(memory, finished, held, max(0.0, sample.time - previous), settings)
    return Learned(memory, seen=True, new=new, prefix_hit_rate=finished.prefix_hit_rate)


def _capacities(scene: Scene, mix: RequestMix) -> dict[str, ReplicaCapacity]:
    """Of the variants that can keep the objectives."""
    capacities = {}
    for seen in scene.variants:
        name = seen.variant.name
        capacity = replica_capacity(scene.model.model, seen.variant, mix, scene.memories[name].slowness)
        if capacity is not None and capacity.requests_per_s > 0.0:
            capacities[name] = capacity
    return capacities


def _horizon_s(scene: Scene) -> float:
    """Seconds until a replica that the next decision orders is ready."""
    starts = (time_to_ready_s(scene.memories[v.variant.name].startup, v, scene.settings) for v in scene.variants)
    return scene.settings.burst_bin_s + max(starts)


def _forecast(
    scene: Scene, memory: ModelMemory, weights: Weights, horizon_s: float, new: bool
) -> tuple[ModelMemory, Demand | None]:
    settings = scene.settings
    if new:
        memory = remember_burst(memory, weights, settings)
    lasting = Lasting(rise=share_of(memory.rises), fall=share_of(memory.falls))
    demand = measure(memory, weights, horizon_s, memory.residence_s, lasting, settings)
    if demand is not None and new:
        memory = remember_excursion(memory, memory.samples[-1].time, demand, horizon_s, settings)
    return memory, demand


def _requirement(
    scene: Scene,
    memory: ModelMemory,
    demand: Demand,
    cheapest: ReplicaCapacity,
    capacities: Mapping[str, ReplicaCapacity],
    weights: Weights,
) -> Requirement:
    settings = scene.settings
    waiting = backlog(scene.model, settings)
    idle = scene.now - memory.last_arrival > retention_s(scene.model.model, settings)
    return required(
        demand,
        cheapest,
        occupied_capacity(demand.held_tokens, scene.variants, capacities),
        weights.load(waiting.requests, waiting.tokens) if waiting is not None else 0.0,
        active=_waits(scene) or not idle,
        settings=settings,
    )


def _claimed(
    scene: Scene,
    options: Sequence[Option],
    gone: Mapping[str, int],
    requirement: Requirement,
    held: float,
    *,
    yields: bool,
) -> tuple[Claim, Reason]:
    """What it asks for of these options, replicas that are not to be counted on made up for, and why that much.

    ``gone`` are the lost replicas of each variant, ``held`` is the largest need of late.
    """
    settings = scene.settings
    come = {v.variant.name: coming(v, gone[v.variant.name], scene.now, settings) for v in scene.variants}
    stuck = stuck_capacity(scene.variants, options, come)
    before = within_bounds(options)
    free, whole = requirement.headroom, requirement.total + stuck
    worth = worth_having(options, whole, free * requirement.total)
    largest = max(option.unit for option in options)
    need = to_cover(worth, capacity_of(options, before), largest, free, settings)
    claim = Claim(
        scene.model.model,
        scene.variants,
        tuple(options),
        before,
        need=need,
        held=worth_having(options, held + stuck, free * held),
        stuck=stuck,
        yields=yields,
    )
    return claim, explain.needed(requirement, held, left=worth - need, dear=whole - worth)


def _waits(scene: Scene) -> bool:
    """Whether a request waits at the gateway, by its queue, or else by what caused the decision."""
    waiting = backlog(scene.model, scene.settings)
    if waiting is None or waiting.requests == 0.0:
        return scene.trigger is Trigger.ARRIVAL_AT_ZERO
    return True


def _guard(scene: Scene, memory: ModelMemory, demand: Demand) -> Reason | None:
    """Why nothing may be given up now, if so."""
    if scene.now - memory.since < scene.settings.level_window_s:
        return explain.guard("the load has not been seen for a full window")
    if (rollout := _rollout_guard(scene)) is not None:
        return rollout
    if demand.held_tokens is None or backlog(scene.model, scene.settings) is None:
        return explain.guard("what the engines or the gateway hold is not fully known")
    return None


def _rollout_guard(scene: Scene) -> Reason | None:
    return explain.guard("a rollout is under way") if any(map(rolling_out, scene.variants)) else None


def _blind(scene: Scene, memory: ModelMemory, what: str) -> Case:
    """Hold, but never leave a request waiting where there is no replica."""
    arrived = len(memory.samples) > 1 and memory.samples[-1].requests > memory.samples[0].requests
    claim = waking(scene.model.model, scene.variants) if arrived or _waits(scene) else None
    held = Claim(scene.model.model, scene.variants, (), {})
    return Case(scene, claim or held, None, explain.blind(what))


def _plan(case: Case, wanted: Wanted, seen: VariantObservation) -> VariantPlan:
    claim, name = case.claim, seen.variant.name
    if name not in claim.counts:
        return hold_variant(seen, (explain.blind("its capacity within the objectives is unknown or none"),))
    option = next(option for option in claim.options if option.name == name)
    dearest = max(claim.options, key=lambda option: option.price)
    slowness = case.scene.memories[name].slowness
    supply = explain.supply(option, wanted.capacities[name], option is dearest, slowness)
    return settled(claim, seen, (*wanted.reasons, supply))

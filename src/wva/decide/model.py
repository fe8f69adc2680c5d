"""The decision for one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wva.decide import explain
from wva.decide.capacity import ReplicaCapacity, replica_capacity, weights_of
from wva.decide.choice import Option, capacity_of, covers, grow, shrink, within_bounds
from wva.decide.demand import (
    Demand,
    measure,
    recent_output_tokens,
    remember_burst,
    remember_generated,
    remember_sample,
)
from wva.decide.memory import LoadSample, ModelMemory, Need, VariantMemory
from wva.decide.mix import remember_lengths, request_mix
from wva.decide.need import held_need, remember_need, required
from wva.decide.persistence import lasting_share, remember_excursion
from wva.decide.room import Room
from wva.decide.settings import Settings
from wva.decide.startup import time_to_ready_s
from wva.decide.trust import Occupancy, backlog, coming, generated, lengths, load_sample, occupancy, rolling_out
from wva.decide.view import bounded, not_draining
from wva.engine.mix import RequestMix
from wva.fleet.observation import ModelObservation, VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class Scene:
    """One model at one instant."""

    now: float
    model: ModelObservation
    variants: tuple[VariantObservation, ...]
    memories: Mapping[str, VariantMemory]
    """By variant."""
    settings: Settings


def decide_model(scene: Scene, memory: ModelMemory | None, room: Room) -> tuple[list[VariantPlan], ModelMemory]:
    """Targets for the model's variants, within the room left, and what to remember."""
    memory = memory or ModelMemory(since=scene.now)
    held = occupancy(scene.variants, scene.settings)
    memory, so_far = remember_generated(memory, generated(scene.variants, scene.settings))
    sample = load_sample(scene.model, held, _waiting_holds(memory, scene.settings), so_far, scene.now, scene.settings)
    if sample is None:
        return _hold(scene, explain.blind("the gateway's figures are missing or stale")), memory
    memory, mix = _learn(scene, memory, sample, held)
    if mix is None:
        return _hold(scene, explain.blind("no request has finished yet, so lengths are unknown")), memory
    capacities = _capacities(scene, mix)
    if not capacities:
        return _hold(scene, explain.blind("no variant has a known capacity within the objectives")), memory
    return _decide_with(scene, memory, mix, capacities, room)


def _waiting_holds(memory: ModelMemory, settings: Settings) -> float:
    """KV-cache tokens for one waiting request, by Little's law while the queue is worked off in its time."""
    return (memory.context_tokens or 0.0) * min(1.0, memory.residence_s / settings.backlog_s)


def _learn(
    scene: Scene, memory: ModelMemory, sample: LoadSample, held: Occupancy | None
) -> tuple[ModelMemory, RequestMix | None]:
    previous = memory.samples[-1].time if memory.samples else sample.time
    finished = lengths(scene.variants, scene.settings)
    last = memory.samples[-1] if memory.samples else None
    memory = remember_sample(memory, sample, scene.settings)
    if last is None or sample.requests > last.requests:
        memory = replace(memory, last_arrival=sample.time)
    memory = remember_lengths(memory, finished, held, sample.time - previous, scene.settings)
    recent = recent_output_tokens(memory, max(scene.settings.answer_window_s, memory.residence_s))
    return memory, request_mix(memory, recent, finished.prefix_hit_rate)


def _capacities(scene: Scene, mix: RequestMix) -> dict[str, ReplicaCapacity]:
    capacities = {}
    for seen in scene.variants:
        name = seen.variant.name
        capacity = replica_capacity(scene.model.model, seen.variant, mix, scene.memories[name])
        if capacity is not None and capacity.requests_per_s > 0.0:
            capacities[name] = capacity
    return capacities


def _decide_with(
    scene: Scene, memory: ModelMemory, mix: RequestMix, capacities: Mapping[str, ReplicaCapacity], room: Room
) -> tuple[list[VariantPlan], ModelMemory]:
    settings = scene.settings
    options = _options(scene, capacities, room)
    best = min(options, key=lambda option: option.price)
    weights = weights_of(capacities[best.name], mix)
    horizon_s = settings.burst_bin_s + max(
        time_to_ready_s(scene.memories[seen.variant.name].startup, seen, settings) for seen in scene.variants
    )
    memory = replace(remember_burst(memory, weights, settings), residence_s=capacities[best.name].residence_s)
    demand = measure(
        memory, weights, horizon_s, capacities[best.name].residence_s, lasting_share(memory), settings
    )
    if demand is None:
        return _hold(scene, explain.blind("the load has not been seen for long enough")), memory
    memory = remember_excursion(memory, scene.now, demand.level, demand.fast, horizon_s, settings)
    waiting = backlog(scene.model, settings)
    active = waiting.requests > 0 or scene.now - memory.last_arrival <= settings.idle_window_s
    requirement = required(
        demand,
        capacities[best.name],
        _occupied(demand, scene, capacities),
        weights.load(waiting.requests, waiting.tokens),
        active,
        settings,
    )
    memory = remember_need(memory, Need(scene.now, requirement.total), settings)
    before = within_bounds(options)
    stuck = _stuck_capacity(scene, options)
    need, held = requirement.total + stuck, held_need(memory) + stuck
    after = before if covers(capacity_of(options, before), need) else grow(options, before, need)
    settled = scene.now - memory.since >= settings.level_window_s and not any(map(rolling_out, scene.variants))
    if after == before and settled:
        after = shrink(options, before, held, settings.shrink_share)
    reasons = (explain.load(demand, horizon_s), explain.needed(requirement, held_need(memory)))
    return _plans(scene, options, capacities, before, after, need, reasons, room), memory


def _occupied(demand: Demand, scene: Scene, capacities: Mapping[str, ReplicaCapacity]) -> float:
    """Capacity of the serving replicas by the part of their KV cache that will be in use; 0 where that is unknown."""
    if demand.held_tokens is None:
        return 0.0
    rate = tokens = 0.0
    for seen in scene.variants:
        capacity = capacities.get(seen.variant.name)
        if capacity is not None:
            serving = len(seen.in_phase(Phase.READY, Phase.DRAINING))
            rate += serving * capacity.requests_per_s
            tokens += serving * capacity.kv_tokens
    # Beyond full, what is held tells how long the queue is, not how much capacity it takes.
    return rate * min(1.0, demand.held_tokens / tokens) if tokens > 0.0 else 0.0


def _stuck_capacity(scene: Scene, options: Sequence[Option]) -> float:
    """Capacity of the replicas that are counted but not coming, for lack of hardware."""
    stuck = {seen.variant.name: not_draining(seen) - coming(seen, scene.now, scene.settings) for seen in scene.variants}
    return capacity_of(options, stuck)


def _options(scene: Scene, capacities: Mapping[str, ReplicaCapacity], room: Room) -> list[Option]:
    options = []
    for seen in scene.variants:
        variant, count = seen.variant, not_draining(seen)
        if variant.name not in capacities:
            continue
        fits = room.fits(variant)
        most = variant.max_replicas if fits is None else min(variant.max_replicas, max(count, seen_on_hardware(seen) + fits))
        options.append(
            Option(
                name=variant.name,
                unit=capacities[variant.name].requests_per_s,
                cost=variant.cost_per_hour,
                count=count,
                least=variant.min_replicas,
                most=max(most, variant.min_replicas),
            )
        )
    return options


def seen_on_hardware(seen: VariantObservation) -> int:
    """Replicas that stay and have hardware."""
    return not_draining(seen) - sum(replica.started_at is None for replica in seen.replicas)


def _plans(
    scene: Scene,
    options: Sequence[Option],
    capacities: Mapping[str, ReplicaCapacity],
    before: Mapping[str, int],
    after: Mapping[str, int],
    need: float,
    common: tuple[Reason, ...],
    room: Room,
) -> list[VariantPlan]:
    by_name = {option.name: option for option in options}
    dearest = max(options, key=lambda option: option.price)
    plans = []
    for seen in scene.variants:
        option = by_name.get(seen.variant.name)
        if option is None:
            plans.append(_hold_variant(seen, explain.blind("its capacity within the objectives is unknown or none")))
            continue
        target = after[option.name]
        room.take(seen.variant, max(0, target - option.count))
        chosen = explain.choice(options, before, after, option.name, need)
        capacity = explain.supply(option, capacities[option.name], option is dearest)
        plans.append(
            VariantPlan(option.name, not_draining(seen), target, target, (chosen, *common, capacity))
        )
    return plans


def _hold(scene: Scene, reason: Reason) -> list[VariantPlan]:
    return [_hold_variant(seen, reason) for seen in scene.variants]


def _hold_variant(seen: VariantObservation, reason: Reason) -> VariantPlan:
    count = not_draining(seen)
    target = bounded(seen.variant, count)
    return VariantPlan(seen.variant.name, count, target, target if target != count else None, (reason,))

"""Turns of the loop as those who watch see them."""

from collections.abc import Mapping

from wva.engine.server import Server
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import InstanceMetrics, Phase
from wva.fleet.tick import Tick, TickResult
from wva.live.hardware import added_up, variant_power_w
from wva.live.state import ModelPoint, TickState, VariantPoint

_WELL = (TickResult.APPLIED, TickResult.PAUSED)
_FAILED = {
    TickResult.NOTHING_SEEN: "nothing could be seen of the fleet, so everything is held",
    TickResult.NO_DECISION: "there was no decision, so everything is held",
    TickResult.NOT_APPLIED: "the fleet did not answer for the plan",
}
_SERVING = (Phase.READY, Phase.DRAINING)


def tick_state(tick: Tick, servers: Mapping[str, Server]) -> TickState:
    """A turn; ``servers`` are by variant."""
    seen = tick.observation
    variants = () if seen is None else tuple(_variant(one, tick, servers) for one in seen.variants)
    changes = [point for point in variants if point.target is not None and point.target != point.before]
    return TickState(
        number=tick.number,
        time=tick.time,
        trigger=tick.trigger.value,
        cause=tick.cause,
        result=tick.result.value,
        words=_words(tick, changes),
        changes=bool(changes) or tick.result not in _WELL,
        decide_ms=1e3 * tick.timings.decide_s,
        paused=tick.paused,
        pins=dict(tick.pins),
        problems=dict(tick.problems),
        cost_per_hour=0.0 if seen is None else cost_per_hour(seen),
        shadow_cost_per_hour={} if seen is None else shadow_costs(seen, tick.shadows),
        power_w=added_up([point.power_w for point in variants]),
        models=() if seen is None else _models(seen),
        variants=variants,
    )


def cost_per_hour(seen: Observation) -> float:
    """Of all replicas on hardware."""
    return sum(
        variant.variant.cost_per_hour * (len(variant.replicas) - len(variant.in_phase(Phase.PENDING)))
        for variant in seen.variants
    )


def shadow_costs(seen: Observation, shadows: Mapping[str, Plan]) -> dict[str, float]:
    """What the counts of other policies would cost in an hour, by their names."""
    prices = {variant.variant.name: variant.variant.cost_per_hour for variant in seen.variants}
    return {name: sum(prices[part.variant] * part.target for part in plan.variants) for name, plan in shadows.items()}


def shadow_targets(shadows: Mapping[str, Plan], variant: str) -> dict[str, int]:
    """What other policies would have of a variant, by their names."""
    parts = {name: part_of(plan, variant) for name, plan in shadows.items()}
    return {name: part.target for name, part in parts.items() if part is not None}


def part_of(plan: Plan | None, variant: str) -> VariantPlan | None:
    """The part of a plan that concerns a variant."""
    return None if plan is None else next((part for part in plan.variants if part.variant == variant), None)


def _words(tick: Tick, changes: list[VariantPoint]) -> str:
    if tick.result in _FAILED:
        # The part that failed is named by the loop, whose word comes first.
        told = next((problem for part, problem in tick.problems.items() if part in _BLAMED), None)
        return _FAILED[tick.result] + (f": {told}" if told else "")
    if not changes:
        return "holds"
    said = "; ".join(_change(point, tick.pins.get(point.name)) for point in changes)
    return f"{said} (paused: not applied)" if tick.paused else said


_BLAMED = ("body", "policy", "apply")


def _change(point: VariantPoint, pinned: int | None) -> str:
    why = f": {point.reasons[-1]}" if point.reasons else ""
    if pinned is not None and point.target == pinned:
        why = f": pinned at {pinned}"
    answer = ""
    if point.outcome in (Result.CLAMPED, Result.REFUSED, Result.CONFLICT, Result.PENDING):
        answer = f" [{point.outcome}{f', {point.outcome_detail}' if point.outcome_detail else ''}]"
    return f"{point.name} {point.before} -> {point.target}{answer}{why}"


def _models(seen: Observation) -> tuple[ModelPoint, ...]:
    return tuple(
        ModelPoint(
            name=one.model.name,
            arrival_rate=None if one.traffic is None else one.traffic.arrival_rate_1m,
            in_flight=None if one.traffic is None else one.traffic.in_flight,
            queued=None if one.traffic is None else one.traffic.queue_requests,
            ttft_p90_s=None if one.traffic is None else one.traffic.ttft_p90_1m_s,
            tpot_p90_s=None if one.traffic is None else one.traffic.tpot_p90_1m_s,
        )
        for one in seen.models
    )


def _variant(seen: VariantObservation, tick: Tick, servers: Mapping[str, Server]) -> VariantPoint:
    name = seen.variant.name
    part = part_of(tick.plan, name)
    outcome: Outcome | None = next((one for one in tick.outcomes if one.variant == name), None)
    metrics = [instance.metrics for replica in seen.in_phase(*_SERVING) for instance in replica.instances]
    usages = [_of(one, "kv_usage") for one in metrics]
    usage = added_up(usages)
    return VariantPoint(
        name=name,
        phases={phase.value: len(seen.in_phase(phase)) for phase in Phase},
        desired=seen.desired,
        running=added_up([_of(one, "running") for one in metrics]),
        waiting=added_up([_of(one, "waiting") for one in metrics]),
        kv_usage=usage / len(usages) if usage is not None and usages else None,
        power_w=variant_power_w(seen, servers[name]),
        before=None if part is None else part.expected,
        target=None if part is None else part.target,
        shadows=shadow_targets(tick.shadows, name),
        reasons=() if part is None else tuple(reason.text for reason in part.reasons),
        reason_codes=() if part is None else tuple(reason.code for reason in part.reasons),
        outcome=None if outcome is None else outcome.result.value,
        outcome_detail=None if outcome is None else outcome.detail,
    )


def _of(metrics: InstanceMetrics | None, field: str) -> float | None:
    value: float | None = None if metrics is None else getattr(metrics, field)
    return value

"""What is looked at before a plan is carried out."""

from dataclasses import replace

from wva.fleet.observation import Observation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.variant import Variant


def misfit(plan: Plan, observation: Observation) -> str | None:
    """Why a plan is no answer to the observation; ``None`` where it is one."""
    if plan.observation != observation.id:
        return f"it answers {plan.observation} and not {observation.id}"
    if not plan.valid_until >= observation.now:
        return "it was never valid"
    allowed = {seen.variant.name for seen in observation.variants if seen.variant.model in observation.scope}
    names = [part.variant for part in plan.variants]
    if len(set(names)) < len(names):
        return "it names a variant twice"
    for part in plan.variants:
        if part.variant not in allowed:
            return f"it names {part.variant}, which is not in its scope"
        counts = (part.target, part.expected, 0 if part.publish is None else part.publish)
        if any(type(count) is not int or count < 0 for count in counts):
            return f"a count for {part.variant} is no natural number: {counts}"
    return None


def within_bounds(plan: Plan, observation: Observation) -> Plan:
    """The plan with every target within the minimum and maximum that were observed, which hold what people pinned."""
    variants = {seen.variant.name: seen.variant for seen in observation.variants}
    return replace(plan, variants=tuple(_bounded(part, variants[part.variant]) for part in plan.variants))


def admit_clamps(outcomes: tuple[Outcome, ...], asked: Plan, given: Plan) -> tuple[Outcome, ...]:
    """The body's answers, with ``clamped`` where it applied another count than the policy had asked for."""
    clamped = {
        part.variant: f"held to {other.target}, not {part.target}"
        for part, other in zip(asked.variants, given.variants, strict=True)
        if part.target != other.target
    }
    return tuple(
        replace(outcome, result=Result.CLAMPED, detail=clamped[outcome.variant])
        if outcome.result is Result.APPLIED and outcome.variant in clamped
        else outcome
        for outcome in outcomes
    )


def _bounded(part: VariantPlan, variant: Variant) -> VariantPlan:
    target = max(variant.min_replicas, min(part.target, variant.max_replicas))
    return part if target == part.target else replace(part, target=target)

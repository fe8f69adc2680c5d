"""What the simple policies read off an observation, and how they bound and date a plan."""

from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.variant import Variant


def in_scope(observation: Observation) -> list[VariantObservation]:
    """The variants that the decision may change, in the observation's order."""
    scope = frozenset(observation.scope)
    return [variant for variant in observation.variants if variant.variant.model in scope]


def not_draining(variant: VariantObservation) -> int:
    """Replicas that stay, those still pending included: what a plan expects a body to find."""
    draining = Phase.DRAINING
    return sum([replica.phase is not draining for replica in variant.replicas])


def bounded(variant: Variant, replicas: int) -> int:
    """That count within the variant's minimum and maximum."""
    return max(variant.min_replicas, min(replicas, variant.max_replicas))


def dated(observation: Observation, policy: str, valid_s: float, variants: list[VariantPlan]) -> Plan:
    """A plan that answers the observation; its id is a function of the observation's, so that a replay repeats it."""
    return Plan(
        id=f"{observation.id}/{policy}",
        observation=observation.id,
        valid_until=observation.now + valid_s,
        variants=tuple(variants),
    )

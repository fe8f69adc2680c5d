"""The token analyzer: how many KV tokens a model asks for, how many its replicas take, and who makes up for it.

As the reference does it in ``saturation_v2/analyzer.go`` and ``applyUniversalThreshold`` of August 2026. Replicas that
start count against growing, and only those that report count for shrinking: that gap is all that keeps it from
ordering twice. Its other rules never apply here: of a variant above 0 there is always some figure to go by, so the
analyzer always votes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wva.fleet.variant import Role
from wva.policies.hpa.follower import bounds
from wva.policies.saturation.allocation import Candidate, grown, shrunk
from wva.policies.saturation.capacity import InstanceCapacity, Knowledge, Source, TokenThresholds
from wva.policies.saturation.memory import Gauge
from wva.policies.saturation.readings import ModelReading, VariantReading

BYTES_PER_TOKEN = 4.0
"""``BytesPerToken``: how the bytes of held requests are taken for prompt tokens."""


@dataclass(frozen=True, slots=True)
class VariantCapacity:
    """A variant in KV tokens."""

    reading: VariantReading
    room: int
    """What one replica takes: the median over those that report."""
    source: Source
    """Where that comes from: of the lower of the two middle ones where there are two."""
    reporting: int
    """Engine instances that report; where none does, ready replicas."""
    coming: int
    """Instances that are expected of replicas that are not ready."""
    demand: int
    """What is asked of those that report."""


@dataclass(frozen=True, slots=True)
class RoleCapacity:
    """All variants of a role together, in KV tokens."""

    demand: float
    supply: float
    """What those that report take."""
    anticipated: float
    """What they will take with those that start."""

    def required(self, thresholds: TokenThresholds) -> float:
        """What is missing for the demand to be below the threshold that makes the model grow."""
        return max(0.0, self.demand / thresholds.scale_up_threshold - self.anticipated)

    def spare(self, thresholds: TokenThresholds) -> float:
        """What may go with the demand staying below the boundary under which the model shrinks."""
        return max(0.0, self.supply - self.demand / thresholds.scale_down_boundary)


def token_gauges(model: ModelReading, knowledge: Knowledge, thresholds: TokenThresholds) -> dict[str, Gauge]:
    """What every variant above 0 should have; without any report, what it has.

    Defect *no memory of what was asked*: it begins with the counts in force, whatever was asked for before.
    """
    if not any(variant.readings for variant in model.variants):
        return {v.variant.name: Gauge(v.wanted, "no replica of the model reports") for v in model.variants}
    capacities = variant_capacities(model, knowledge, thresholds)
    roles = role_capacities(capacities, held_tokens(model))
    required = {role: capacity.required(thresholds) for role, capacity in roles.items()}
    candidates = [_candidate(capacity) for capacity in capacities]
    if any(tokens > 0 for tokens in required.values()):
        counts = grown(candidates, required)
    else:
        counts = shrunk(candidates, {role: capacity.spare(thresholds) for role, capacity in roles.items()})
    gauges = {}
    for capacity in capacities:
        why = _told(capacity, roles[role_of(capacity.reading)], thresholds)
        gauges[capacity.reading.variant.name] = Gauge(counts[capacity.reading.variant.name], why)
    return gauges


def variant_capacities(model: ModelReading, knowledge: Knowledge, thresholds: TokenThresholds) -> list[VariantCapacity]:
    """Every variant, in order."""
    shown = [
        [knowledge.instance(variant.variant, reading, thresholds) for reading in variant.readings]
        for variant in model.variants
    ]
    input_tokens, output_tokens = mean_lengths(model)
    capacities = []
    for variant, instances in zip(model.variants, shown, strict=True):
        if instances:
            capacities.append(_of_instances(variant, instances))
        else:
            room = knowledge.without_replicas(variant.variant, input_tokens, output_tokens)
            ready = variant.current - variant.pending
            capacities.append(VariantCapacity(variant, room, Source.STORE, ready, variant.pending, 0))
    return capacities


def _of_instances(variant: VariantReading, instances: Sequence[InstanceCapacity]) -> VariantCapacity:
    """A variant by its instances that report.

    The instances of a ready replica, rounded down, are what each replica that starts will bring; growing then takes
    them for replicas all the same: defect *instances are not replicas*.
    """
    ready = variant.current - variant.pending
    each = max(1, len(instances) // ready) if ready > 0 else 1
    ordered = sorted(instances, key=lambda instance: instance.effective)
    return VariantCapacity(
        reading=variant,
        room=median([instance.effective for instance in ordered]),
        source=ordered[(len(ordered) - 1) // 2].source,
        reporting=len(instances),
        coming=variant.pending * each,
        demand=sum(instance.demand for instance in instances),
    )


def median(ordered: Sequence[int]) -> int:
    """The middle one of numbers in order, or the mean of the two middle ones, rounded down."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2


def role_of(variant: VariantReading) -> Role:
    """The role that the reference knows it by: what is neither prefill nor decode is both."""
    role = variant.variant.role
    return role if role in (Role.PREFILL, Role.DECODE) else Role.BOTH


def role_capacities(capacities: Sequence[VariantCapacity], held: Mapping[Role, float]) -> dict[Role, RoleCapacity]:
    """The variants by role, with the demand of what the gateway holds."""
    roles = {}
    for role in sorted({role_of(capacity.reading) for capacity in capacities}):
        own = [capacity for capacity in capacities if role_of(capacity.reading) is role]
        roles[role] = RoleCapacity(
            demand=sum(capacity.demand for capacity in own) + held[role],
            supply=float(sum(capacity.reporting * capacity.room for capacity in own)),
            anticipated=float(sum((capacity.reporting + capacity.coming) * capacity.room for capacity in own)),
        )
    return roles


def mean_lengths(model: ModelReading) -> tuple[float, float]:
    """Mean prompt and answer over the instances that know either, each counting once; 0 and 0 when none does."""
    known = [
        reading
        for variant in model.variants
        for reading in variant.readings
        if reading.input_tokens > 0 or reading.output_tokens > 0
    ]
    if not known:
        return 0.0, 0.0
    return _mean([r.input_tokens for r in known]), _mean([r.output_tokens for r in known])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def held_tokens(model: ModelReading) -> dict[Role, float]:
    """KV tokens of the requests that the gateway holds, for each role that could serve them.

    Defect *prefix hits are 0*: prompts would count by the share that misses the prefix cache.
    """
    queue = model.queue
    input_tokens, output_tokens = mean_lengths(model)
    prompts = max(queue.size_bytes / BYTES_PER_TOKEN, queue.requests * input_tokens)
    whole = prompts + queue.requests * output_tokens
    return {Role.PREFILL: prompts, Role.DECODE: whole, Role.BOTH: whole}


def _candidate(capacity: VariantCapacity) -> Candidate:
    """What the optimizer sees of it; defect *unseen is free*."""
    variant = capacity.reading.variant
    lowest, highest = bounds(variant)
    return Candidate(
        name=variant.name,
        role=role_of(capacity.reading),
        cost=variant.cost_per_hour if capacity.reading.readings else 0.0,
        room=float(capacity.room),
        current=capacity.reading.current,
        lowest=lowest,
        highest=highest,
    )


def _told(capacity: VariantCapacity, role: RoleCapacity, thresholds: TokenThresholds) -> str:
    required, spare = role.required(thresholds), role.spare(thresholds)
    change = f"{required:,.0f} required" if required > 0 else f"{spare:,.0f} to spare"
    return (
        f"{role.demand:,.0f} KV tokens asked for, {role.supply:,.0f} taken by replicas that report and "
        f"{role.anticipated - role.supply:,.0f} by those that start: {change}, at {capacity.room:,} a replica "
        f"({capacity.source})"
    )

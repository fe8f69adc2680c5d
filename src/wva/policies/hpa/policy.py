"""The controller's order of things, in the manner of ``reconcileAutoscaler``, once for every variant."""

from dataclasses import dataclass, field

from wva.decide.view import dated, in_scope, not_draining
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.variant import Variant
from wva.policies.hpa.calculator import Proposal, propose
from wva.policies.hpa.memory import VERSION, HpaMemory, Stamp, VariantMemory, not_after, remembered
from wva.policies.hpa.pods import Pods, group
from wva.policies.hpa.rates import highest_allowed, highest_without_behavior, lowest_allowed
from wva.policies.hpa.settings import Behavior, Metric, PodsMetric
from wva.policies.hpa.stabilization import stabilize, stabilize_without_behavior

_SYNC_SLACK = 0.05
"""Share of the sync period by which a call may come early and still count: callers' timers jitter."""

_OFF = Reason("off", "a count of 0 switches the HPA off")


@dataclass(frozen=True, slots=True)
class HpaPolicy:
    """One HPA for every variant; by default the WVA paper's baseline: 3 waiting requests and half of the KV cache."""

    name: str = "hpa"
    """Name that users select it by."""
    metrics: tuple[PodsMetric, ...] = (PodsMetric(Metric.WAITING, 3.0), PodsMetric(Metric.KV_USAGE, 0.5))
    """``spec.metrics``; the one that proposes most wins."""
    behavior: Behavior | None = field(default_factory=Behavior)
    """``spec.behavior``. ``None`` is an object without it, which the controller limits in another, older way."""
    tolerance: float = 0.1
    """Relative distance from a target that is ignored (``--horizontal-pod-autoscaler-tolerance``)."""
    sync_period_s: float = 15.0
    """Seconds between two computations (``--horizontal-pod-autoscaler-sync-period``); in between nothing changes."""
    downscale_stabilization_s: float = 300.0
    """Seconds of recommendations whose highest holds without ``behavior``
    (``--horizontal-pod-autoscaler-downscale-stabilization``)."""
    staleness_s: float = 300.0
    """Age in seconds from which a scraped value is missing: Prometheus looks back 5 minutes by default."""
    starting_is_pending: bool = False
    """Whether the pod of a starting replica is in phase ``Pending``, as while its image is pulled, and therefore
    ignored when shrinking. The default is phase ``Running``, as while the engine loads weights: such a pod is missing
    its metrics, and counts as at the target when shrinking. When growing both count as idle."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("metrics must have at least one entry")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        if not self.sync_period_s > 0:
            raise ValueError(f"sync_period_s must be above 0, got {self.sync_period_s}")

    def initial_memory(self) -> HpaMemory:
        """No HPA seen."""
        return HpaMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: HpaMemory) -> tuple[Plan, HpaMemory]:
        """Compute every variant that is due, and let the others stay."""
        now = observation.now
        before = memory.variants if memory.version == VERSION else {}
        # A variant that is out of scope keeps its history, one that is gone loses it as with a deleted HPA.
        names = [seen.variant.name for seen in observation.variants]
        after = {name: before[name] for name in names if name in before}
        plans = []
        for seen in in_scope(observation):
            name = seen.variant.name
            known = before.get(name)
            if known is None:
                # What is there when an HPA is first seen counts as its first recommendation.
                known = VariantMemory(now, seen.desired, seen.desired, (Stamp(now, seen.desired),))
            elif now < known.synced_at:
                known = not_after(known, now)
            elif now - known.synced_at < self.sync_period_s * (1 - _SYNC_SLACK):
                plans.append(_between_syncs(seen, known))
                continue
            plan, after[name] = self._sync(seen, known, now)
            plans.append(plan)
        return dated(observation, self.name, self.plan_valid_s, plans), HpaMemory(version=VERSION, variants=after)

    def _sync(self, seen: VariantObservation, known: VariantMemory, now: float) -> tuple[VariantPlan, VariantMemory]:
        """One reconciliation."""
        variant, current = seen.variant, seen.desired
        lowest, highest = _bounds(variant)
        recommendations = known.recommendations
        publishes = True
        if current == 0 and lowest > 0:
            target, reasons, publishes = 0, [_OFF], False
        elif current > highest:
            target, reasons = highest, [Reason("clamped", f"{current} is above the maximum of {highest}")]
        elif current < lowest:
            target, reasons = lowest, [Reason("clamped", f"{current} is below the minimum of {lowest}")]
        else:
            desired, reasons = self._from_metrics(seen)
            if desired is None:
                target, publishes = current, False
            else:
                target = self._held_back(desired, current, lowest, highest, known, now, reasons)
                recommendations = remembered(recommendations, Stamp(now, desired), self._longest_window_s())
        added, removed = self._changes(known, current, target, now)
        plan = VariantPlan(
            variant.name, not_draining(seen), target, target if publishes else None, reasons=tuple(reasons)
        )
        return plan, VariantMemory(now, current, target, recommendations, added, removed)

    def _from_metrics(self, seen: VariantObservation) -> tuple[int | None, list[Reason]]:
        """The largest proposal, or ``None`` when metrics that cannot be read forbid one; and why."""
        current = seen.desired
        down, up = self._tolerances()
        reasons = []
        desired = -1
        readable = 0
        for entry in self.metrics:
            pods = group(seen.replicas, entry.metric, self.staleness_s, self.starting_is_pending)
            proposal = propose(current, entry.target_milli, pods, down, up)
            if proposal is None:
                reasons.append(Reason("missing", f"no pod reports {entry.metric}"))
                continue
            reasons.append(Reason("metric", _told(entry, pods, proposal)))
            readable += 1
            desired = max(desired, proposal.replicas)
        if not readable:
            reasons.append(Reason("held", "no metric can be read: nothing changes"))
            return None, reasons
        if readable < len(self.metrics) and desired < current:
            reasons.append(Reason("held", "not every metric can be read: no shrinking"))
            return None, reasons
        return desired, reasons

    def _held_back(
        self,
        desired: int,
        current: int,
        lowest: int,
        highest: int,
        known: VariantMemory,
        now: float,
        reasons: list[Reason],
    ) -> int:
        """The proposal after past recommendations, rates, minimum and maximum."""
        behavior = self.behavior
        past = known.recommendations
        if behavior is None:
            stable = stabilize_without_behavior(desired, past, now, self.downscale_stabilization_s)
            rate = highest_without_behavior(current)
            target = max(lowest, min(stable, highest, rate))
        else:
            stable = stabilize(desired, current, past, now, behavior)
            target = rate = stable
            if stable > current:
                rate = highest_allowed(current, known.added, known.removed, behavior.scale_up, now)
                target = min(stable, highest, rate)
            elif stable < current:
                rate = lowest_allowed(current, known.added, known.removed, behavior.scale_down, now)
                target = max(stable, lowest, rate)
        if stable != desired:
            reasons.append(Reason("stabilized", f"recent recommendations hold {desired} at {stable}"))
        if target != stable:
            if target == rate:
                reasons.append(Reason("limited", f"the rate of change allows {target}, not {stable}"))
            else:
                reasons.append(Reason("clamped", f"{stable} is outside {lowest} to {highest}"))
        return target

    def _changes(
        self, known: VariantMemory, current: int, target: int, now: float
    ) -> tuple[tuple[Stamp, ...], tuple[Stamp, ...]]:
        """The histories of what was added and removed, with this change."""
        added, removed = known.added, known.removed
        if self.behavior is None:
            return added, removed
        if target > current:
            added = remembered(added, Stamp(now, target - current), self.behavior.scale_up.longest_period_s)
        elif target < current:
            removed = remembered(removed, Stamp(now, current - target), self.behavior.scale_down.longest_period_s)
        return added, removed

    def _longest_window_s(self) -> float:
        if self.behavior is None:
            return self.downscale_stabilization_s
        return max(self.behavior.scale_up.stabilization_window_s, self.behavior.scale_down.stabilization_window_s)

    def _tolerances(self) -> tuple[float, float]:
        """What is ignored below and above a target."""
        if self.behavior is None:
            return self.tolerance, self.tolerance
        down, up = self.behavior.scale_down.tolerance, self.behavior.scale_up.tolerance
        return self.tolerance if down is None else down, self.tolerance if up is None else up


def _bounds(variant: Variant) -> tuple[int, int]:
    """The minimum and maximum of the HPA object: with metrics of pods alone its minimum is at least 1."""
    highest = variant.max_replicas
    return min(max(1, variant.min_replicas), highest), highest


def _between_syncs(seen: VariantObservation, known: VariantMemory) -> VariantPlan:
    """Repeat the target until the body has it; a count that someone else set since stays until the next sync."""
    variant, current = seen.variant, seen.desired
    lowest, highest = _bounds(variant)
    if current == 0 and lowest > 0:
        return VariantPlan(variant.name, not_draining(seen), 0, None, (_OFF,))
    target = known.target if current == known.desired else current
    target = max(lowest, min(target, highest))
    reason = Reason("between_syncs", f"stays at {target} until the next sync")
    return VariantPlan(variant.name, not_draining(seen), target, target, (reason,))


def _told(entry: PodsMetric, pods: Pods, proposal: Proposal) -> str:
    text = (
        f"{entry.metric} averages {proposal.usage_milli / 1000:g} over {pods.reporting} pods, "
        f"{proposal.ratio:.2f} times its target of {entry.average_value:g}: proposes {proposal.replicas}"
    )
    if pods.missing or pods.unready:
        return f"{text}, with {pods.missing} pods missing and {pods.unready} unready"
    return text

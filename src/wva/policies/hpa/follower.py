"""What an HPA does with the count that its metrics propose, in the manner of ``reconcileAutoscaler``.

Minimum and maximum, past recommendations and rates of change hold it back, once for every variant. Whatever proposes
(metrics of pods, an external metric, another autoscaler's gauge) acts through the same follower.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wva.decide.view import dated, in_scope, not_draining
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.variant import Variant
from wva.policies.hpa.memory import VERSION, HpaMemory, Stamp, VariantMemory, not_after, remembered
from wva.policies.hpa.rates import highest_allowed, highest_without_behavior, lowest_allowed
from wva.policies.hpa.settings import Behavior
from wva.policies.hpa.stabilization import stabilize, stabilize_without_behavior

_SLACK = 0.05
"""Share of a period by which a call may come early and still count: callers' timers jitter."""

OFF = Reason("off", "a count of 0 switches the autoscaler off")

Propose = Callable[[VariantObservation], tuple[int | None, list[Reason]]]
"""The count that the metrics of a variant ask for, ``None`` where none may be taken from them; and why."""


def is_due(last: float, now: float, period_s: float) -> bool:
    """Whether what last ran at that instant, and runs once a period, runs now."""
    return now - last >= period_s * (1 - _SLACK)


def bounds(variant: Variant) -> tuple[int, int]:
    """The minimum and maximum of the HPA object: without a feature gate its minimum is at least 1."""
    highest = variant.max_replicas
    return min(max(1, variant.min_replicas), highest), highest


@dataclass(frozen=True, slots=True)
class Follower:
    """How an HPA moves a count towards what is proposed."""

    behavior: Behavior | None
    """``spec.behavior``; ``None`` is an object without it, which the controller limits in another, older way."""
    sync_period_s: float
    """Seconds between two computations; in between nothing changes."""
    downscale_stabilization_s: float
    """Seconds of recommendations whose highest holds without ``behavior``."""
    plan_valid_s: float
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        if not self.sync_period_s > 0:
            raise ValueError(f"sync_period_s must be above 0, got {self.sync_period_s}")

    def follow(
        self, policy: str, observation: Observation, memory: HpaMemory, propose: Propose
    ) -> tuple[Plan, HpaMemory]:
        """Compute every variant that is due, and let the others stay. ``policy`` is the name that the plan bears."""
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
            elif not is_due(known.synced_at, now, self.sync_period_s):
                plans.append(between_syncs(seen, known.desired, known.target, *bounds(seen.variant)))
                continue
            plan, after[name] = self._sync(seen, known, now, propose)
            plans.append(plan)
        return dated(observation, policy, self.plan_valid_s, plans), HpaMemory(version=VERSION, variants=after)

    def _sync(
        self, seen: VariantObservation, known: VariantMemory, now: float, propose: Propose
    ) -> tuple[VariantPlan, VariantMemory]:
        """One reconciliation."""
        variant, current = seen.variant, seen.desired
        lowest, highest = bounds(variant)
        recommendations = known.recommendations
        publishes = True
        if current == 0 and lowest > 0:
            target, reasons, publishes = 0, [OFF], False
        elif current > highest:
            target, reasons = highest, [Reason("clamped", f"{current} is above the maximum of {highest}")]
        elif current < lowest:
            target, reasons = lowest, [Reason("clamped", f"{current} is below the minimum of {lowest}")]
        else:
            desired, reasons = propose(seen)
            if desired is None:
                target, publishes = current, False
            else:
                target = self.held_back(desired, current, lowest, highest, known, now, reasons)
                recommendations = remembered(recommendations, Stamp(now, desired), self._longest_window_s())
        added, removed = self._changes(known, current, target, now)
        plan = VariantPlan(
            variant.name, not_draining(seen), target, target if publishes else None, reasons=tuple(reasons)
        )
        return plan, VariantMemory(now, current, target, recommendations, added, removed)

    def held_back(
        self,
        desired: int,
        current: int,
        lowest: int,
        highest: int,
        known: VariantMemory,
        now: float,
        reasons: list[Reason],
    ) -> int:
        """The proposal after past recommendations, rates, minimum and maximum; ``reasons`` gains what changed it."""
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


def between_syncs(seen: VariantObservation, desired: int, target: int, lowest: int, highest: int) -> VariantPlan:
    """Repeat the target until the body has it; a count that someone else set since stays until the next sync.

    ``desired`` was the count in force when ``target`` was set.
    """
    variant, current = seen.variant, seen.desired
    if current == 0 and lowest > 0:
        return VariantPlan(variant.name, not_draining(seen), 0, None, (OFF,))
    target = max(lowest, min(target if current == desired else current, highest))
    reason = Reason("between_syncs", f"stays at {target} until the next sync")
    return VariantPlan(variant.name, not_draining(seen), target, target, (reason,))

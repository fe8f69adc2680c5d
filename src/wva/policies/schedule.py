"""Follows counts that were laid down beforehand: how a plan for a known day is tried out."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from wva.decide.view import bounded, dated, in_scope, not_draining
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason

_SCHEDULED = (Reason("scheduled", "the count that the schedule has for this time"),)
_NOT_SCHEDULED = (Reason("not_scheduled", "kept as it is, because the schedule says nothing for this time"),)

Steps = tuple[tuple[float, int], ...]
"""(from when on in seconds since the epoch, replicas), in order of time."""


@dataclass(frozen=True, slots=True)
class SchedulePolicy:
    """The replicas that a schedule has for the time, within the variant's minimum and maximum."""

    name: str = "schedule"
    """Name that users select it by."""
    replicas: Mapping[str, Steps] = field(default_factory=dict)
    """Steps by variant; a variant that is absent, or whose first step is yet to come, stays at its desired count."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        """Check the steps."""
        for variant, steps in self.replicas.items():
            if any(before[0] >= after[0] for before, after in pairwise(steps)):
                raise ValueError(f"replicas of {variant} must go forward in time")
            if any(count < 0 for _, count in steps):
                raise ValueError(f"replicas of {variant} must be 0 or more")

    def initial_memory(self) -> Memory:
        """Nothing: the schedule is all that counts."""
        return Memory()

    def __call__(self, observation: Observation, memory: Memory) -> tuple[Plan, Memory]:
        """Read off the schedule."""
        plans = []
        for seen in in_scope(observation):
            steps = self.replicas.get(seen.variant.name, ())
            past = bisect_right(steps, observation.now, key=lambda step: step[0])
            count, reasons = (steps[past - 1][1], _SCHEDULED) if past else (seen.desired, _NOT_SCHEDULED)
            target = bounded(seen.variant, count)
            plans.append(VariantPlan(seen.variant.name, not_draining(seen), target, target, reasons))
        return dated(observation, self.name, self.plan_valid_s, plans), self.initial_memory()

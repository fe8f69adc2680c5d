"""A policy small enough to know by heart, under a name that a journal may rebuild it by."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wva.fleet.memory import Memory
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class Seen:
    at: float
    waiting: float | None


@dataclass(frozen=True, slots=True)
class ThresholdMemory(Memory):
    last_growth: float | None = None
    windows: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One replica more where more requests wait than the limit, one less where none wait."""

    limit: float = 5.0
    names: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "threshold"

    def initial_memory(self) -> ThresholdMemory:
        return ThresholdMemory()

    def __call__(self, observation: Observation, memory: ThresholdMemory) -> tuple[Plan, ThresholdMemory]:
        plans = []
        for seen in observation.variants:
            waiting = self._waiting(seen)
            plans.append(self._plan(seen, waiting))
            window = (*memory.windows.get(seen.variant.name, ()), Seen(observation.now, waiting))[-3:]
            memory = replace(memory, windows={**memory.windows, seen.variant.name: window})
        if any(plan.target > plan.expected for plan in plans):
            memory = replace(memory, last_growth=observation.now)
        return Plan(f"plan-{observation.id}", observation.id, observation.now + 30, tuple(plans)), memory

    def _waiting(self, seen: VariantObservation) -> float | None:
        metrics = [instance.metrics for replica in seen.replicas for instance in replica.instances]
        known = [one.waiting for one in metrics if one is not None and one.waiting is not None]
        return sum(known) if known else None

    def _plan(self, seen: VariantObservation, waiting: float | None) -> VariantPlan:
        name, count = seen.variant.name, seen.desired
        if waiting is None:
            return VariantPlan(name, count, count, None, (Reason("held", "nothing is known of the queue"),))
        if waiting > self.limit:
            reason = Reason("demand", f"{waiting:g} requests wait, more than {self.limit:g}")
            return VariantPlan(name, count, count + 1, count + 1, (reason, Reason("step", "one at a time")))
        if waiting == 0 and count > 1:
            return VariantPlan(name, count, count - 1, count - 1, (Reason("idle", "no request waits"),))
        return VariantPlan(name, count, count, count, (Reason("held", f"{waiting:g} requests wait"),))


# A journal's types are only looked for in WVA itself, so these stand in it for the tests.
MODULE = "wva.policies.threshold_of_the_tests"
sys.modules[MODULE] = sys.modules[__name__]
for _type in (Seen, ThresholdMemory, Threshold):
    _type.__module__ = MODULE

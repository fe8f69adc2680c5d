"""Keeps every variant at a fixed count: the opponent that any autoscaler has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.decide.view import bounded, dated, in_scope, not_draining
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason

VERSION = 1
"""Layout of ``StaticMemory``."""

_CONFIGURED = (Reason("configured", "kept at the configured count"),)
_FIRST_SEEN = (Reason("first_seen", "kept at the count it had when first seen"),)


@dataclass(frozen=True, slots=True)
class StaticMemory(Memory):
    """The counts that variants without a configured one had when first seen."""

    first_seen: Mapping[str, int] = field(default_factory=dict)
    """Replicas by variant."""


@dataclass(frozen=True, slots=True)
class StaticPolicy:
    """The same number of replicas whatever happens, within the variant's minimum and maximum."""

    name: str = "static"
    """Name that users select it by."""
    replicas: Mapping[str, int] = field(default_factory=dict)
    """Replicas by variant; a variant that is absent stays at the desired count it had when first seen."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def initial_memory(self) -> StaticMemory:
        """No variant seen."""
        return StaticMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: StaticMemory) -> tuple[Plan, StaticMemory]:
        """Repeat the counts."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        found: dict[str, int] = {}
        plans = []
        for seen in in_scope(observation):
            variant = seen.variant
            count, reasons = self.replicas.get(variant.name), _CONFIGURED
            if count is None:
                count, reasons = memory.first_seen.get(variant.name), _FIRST_SEEN
            if count is None:
                count = found[variant.name] = seen.desired
            target = bounded(variant, count)
            plans.append(VariantPlan(variant.name, not_draining(seen), target, target, reasons))
        if found:
            memory = StaticMemory(version=VERSION, first_seen={**memory.first_seen, **found})
        return dated(observation, self.name, self.plan_valid_s, plans), memory

"""The default policy: from an observation to a plan that says why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wva.decide import explain
from wva.decide.capacity import ReplicaCapacity, replica_capacity, weights_of
from wva.decide.choice import Option, capacity_of, grow, shrink, within_bounds
from wva.decide.demand import Demand, Weights, measure, remember_burst, remember_sample
from wva.decide.memory import VERSION, BrainMemory, ModelMemory, VariantMemory
from wva.decide.need import Requirement, held_need, remember_need, required
from wva.decide.settings import Settings
from wva.decide.startup import learn_startup, time_to_ready_s
from wva.decide.trust import arrivals, backlog, coming, lengths, rolling_out, serving
from wva.decide.view import bounded, dated, not_draining
from wva.engine.mix import RequestMix
from wva.fleet.inventory import Inventory
from wva.fleet.observation import ModelObservation, Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class WvaPolicy:
    """Capacity for the load that is coming, at least cost, with the objectives kept."""

    name: str = "wva"
    """Name that users select it by."""
    settings: Settings = field(default_factory=Settings)

    def initial_memory(self) -> BrainMemory:
        """Nothing seen."""
        return BrainMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: BrainMemory) -> tuple[Plan, BrainMemory]:
        """Decide for every model in scope, the highest priority first where they share hardware."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        models = dict(memory.models)
        variants = dict(memory.variants)
        parts: dict[str, VariantPlan] = {}
        stock = _Stock(observation.inventory)
        for observed in sorted(observation.models, key=lambda m: (-m.model.priority, m.model.name)):
            name = observed.model.name
            if name not in observation.scope:
                continue
            seen = serving(observation, name)
            for variant in seen:
                known = variants.get(variant.variant.name, VariantMemory())
                startup = learn_startup(known.startup, variant)
                variants[variant.variant.name] = replace(known, startup=startup)
            decision = _ModelDecision(observation, observed, seen, models.get(name), variants, stock, self.settings)
            plans, models[name] = decision.decide()
            parts.update({plan.variant: plan for plan in plans})
        ordered = [parts[v.variant.name] for v in observation.variants if v.variant.name in parts]
        plan = dated(observation, self.name, self.settings.plan_valid_s, ordered)
        return plan, BrainMemory(version=VERSION, models=models, variants=variants)

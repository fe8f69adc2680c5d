"""The default policy: from an observation to a plan that says why."""

from dataclasses import dataclass, field, replace

from wva.decide.memory import VERSION, BrainMemory, VariantMemory
from wva.decide.model import Scene, decide_model
from wva.decide.room import Room
from wva.decide.settings import Settings
from wva.decide.startup import learn_startup
from wva.decide.trust import serving
from wva.decide.view import dated
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan


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
        """Decide for every model in scope, the highest priority first, because they may share hardware."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        variants = {
            seen.variant.name: _remember_start(memory.variants.get(seen.variant.name), seen)
            for seen in observation.variants
        }
        models = {m.model.name: memory.models[m.model.name] for m in observation.models if m.model.name in memory.models}
        room = Room(observation.inventory)
        plans: dict[str, VariantPlan] = {}
        for observed in sorted(observation.models, key=lambda m: (-m.model.priority, m.model.name)):
            name = observed.model.name
            seen = serving(observation, name)
            if name in observation.scope and seen:
                scene = Scene(observation.now, observed, seen, variants, self.settings)
                parts, models[name] = decide_model(scene, models.get(name), room)
                plans.update({part.variant: part for part in parts})
        ordered = [plans[v.variant.name] for v in observation.variants if v.variant.name in plans]
        plan = dated(observation, self.name, self.settings.plan_valid_s, ordered)
        return plan, BrainMemory(version=VERSION, models=models, variants=variants)


def _remember_start(memory: VariantMemory | None, seen: VariantObservation) -> VariantMemory:
    memory = memory or VariantMemory()
    return replace(memory, startup=learn_startup(memory.startup, seen))

"""The default policy: from an observation to a plan that says why."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from wva.decide.calibration import calibrated
from wva.decide.case import Case, Scene
from wva.decide.handout import hand_out
from wva.decide.memory import VERSION, BrainMemory, VariantMemory
from wva.decide.model import assess, plans_of
from wva.decide.room import Room
from wva.decide.settings import Settings
from wva.decide.sites import sites_of
from wva.decide.startup import learn_startup
from wva.decide.view import dated
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan


@dataclass(frozen=True, slots=True)
class WvaPolicy:
    """Capacity for the load that is coming, at least cost, with the objectives kept."""

    name: str = "wva"
    """Name that users select it by."""
    settings: Settings = field(default_factory=Settings)
    """Tunables."""

    def initial_memory(self) -> BrainMemory:
        """Nothing seen."""
        return BrainMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: BrainMemory) -> tuple[Plan, BrainMemory]:
        """Decide for every model in scope: what each needs, then who gets the hardware that they may share."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        variants = self._learn_variants(observation, memory)
        present = [observed.model.name for observed in observation.models]
        models = {name: memory.models[name] for name in present if name in memory.models}
        own_of = defaultdict[str, list[VariantObservation]](list)
        for seen in observation.variants:
            own_of[seen.variant.model].append(seen)
        cases: list[Case] = []
        for observed in observation.models:
            name = observed.model.name
            own = tuple(own_of[name])
            if name not in observation.scope or not own:
                continue
            scene = Scene(observation.now, observation.trigger, observed, own, variants, self.settings)
            case, models[name] = assess(scene, models.get(name))
            cases.append(case)
        room = Room(observation.inventory)
        hand_out(
            [case.claim for case in cases],
            room,
            lambda: sites_of(observation.variants, room, observation.now),
            self.settings.shrink_share,
        )
        plans = {part.variant: part for case in cases for part in plans_of(case)}
        ordered = [plans[v.variant.name] for v in observation.variants if v.variant.name in plans]
        plan = dated(observation, self.name, self.settings.plan_valid_s, ordered)
        return plan, BrainMemory(version=VERSION, models=models, variants=variants)

    def _learn_variants(self, observation: Observation, memory: BrainMemory) -> dict[str, VariantMemory]:
        models = {observed.model.name: observed.model for observed in observation.models}
        learned = {}
        for seen in observation.variants:
            name, model = seen.variant.name, seen.variant.model
            known = memory.variants.get(name) or VariantMemory()
            startup = learn_startup(known.startup, seen)
            if startup is not known.startup:
                known = replace(known, startup=startup)
            if model in models and model in memory.models:
                load = memory.models[model]
                known = calibrated(known, seen, models[model], load, observation.now, self.settings)
            learned[name] = known
        return learned

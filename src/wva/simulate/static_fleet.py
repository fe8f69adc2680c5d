"""Runs of a fleet that never changes: what searches for a fleet are made of."""

from collections.abc import Mapping

import numpy as np

from wva.policies.static import StaticPolicy
from wva.scenario.schema import ControlSpec, Scenario
from wva.simulate.met import count_met
from wva.simulate.run import Setting, prepare, simulate
from wva.workload.merge import Workload


def with_initial(scenario: Scenario, replicas: Mapping[str, int]) -> Scenario:
    """The scenario with these counts, by variant, ready when the run starts; they must lie within its bounds."""
    variants = [spec.model_copy(update={"initial": replicas[spec.name]}) for spec in scenario.variants]
    return scenario.model_copy(update={"variants": tuple(variants)})


class StaticRuns:
    """Runs static fleets on one seed's traffic, without a journal."""

    def __init__(self, setting: Setting, workload: Workload, seed: int) -> None:
        """The setting's own bounds and initial counts do not matter."""
        self._setting = setting
        self._workload = workload
        self._seed = seed
        self.runs = 0
        """Runs so far."""
        self.attainable = 0.0
        """Share of the requests that some empty replica would serve within the objectives; known after a run."""

    def attainment(self, replicas: Mapping[str, int]) -> float:
        """Share of the offered requests that were met with these counts, by variant."""
        models = self._setting.models
        result = simulate(
            prepare(self._scenario(replicas)), self._workload, StaticPolicy(replicas=replicas), self._seed
        )
        self.runs += 1
        self.attainable = float(np.mean(result.attainable))
        return count_met(result.requests, models) / len(result.requests)

    def _scenario(self, replicas: Mapping[str, int]) -> Scenario:
        scenario = self._setting.scenario
        variants = [
            spec.model_copy(update={"min": 0, "max": max(replicas[spec.name], 1), "initial": replicas[spec.name]})
            for spec in scenario.variants
        ]
        # Nothing is decided, so one look at the fleet is enough.
        once = ControlSpec.model_construct(interval=self._workload.window_s, scrape=self._workload.window_s)
        return scenario.model_copy(update={"variants": tuple(variants), "control": once})

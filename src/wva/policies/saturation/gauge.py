"""How an analyzer acts: its own loop sets a gauge for each variant, and one HPA for each variant follows the gauge.

The gauge ``wva_desired_replicas`` is an External metric with the target ``AverageValue: 1``. An HPA sees it as soon as
it is set: the seconds until it is scraped are not modelled. The HPA's tolerance stands between gauge and count: defect
*steps within the tolerance*.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from wva.decide.view import in_scope, not_draining
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan
from wva.fleet.reason import Reason
from wva.policies.hpa.external import propose_average
from wva.policies.hpa.follower import Follower, is_due
from wva.policies.hpa.settings import Behavior, tolerances
from wva.policies.saturation.memory import VERSION, Gauge, ModelMemory, SaturationMemory

_TARGET_MILLI = 1000


@dataclass(frozen=True, slots=True)
class GaugePolicy(ABC):
    """An analyzer with its loop and the HPAs behind it."""

    name: str
    """Name that users select it by."""
    optimization_interval_s: float
    """Seconds between two looks of the analyzer at a model (``GLOBAL_OPT_INTERVAL``)."""
    behavior: Behavior | None
    """``spec.behavior`` of every HPA. ``None`` is an object without it, which the controller limits in another way."""
    tolerance: float = 0.1
    """Relative distance from the gauge that an HPA ignores (``--horizontal-pod-autoscaler-tolerance``)."""
    sync_period_s: float = 15.0
    """Seconds between two computations of an HPA (``--horizontal-pod-autoscaler-sync-period``)."""
    downscale_stabilization_s: float = 300.0
    """Seconds of recommendations whose highest holds without ``behavior``."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        if not self.optimization_interval_s > 0:
            raise ValueError(f"optimization_interval_s must be above 0, got {self.optimization_interval_s}")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        self._follower()

    @abstractmethod
    def analyzed(self, observation: Observation, model: str, before: ModelMemory) -> ModelMemory:
        """The model's gauges, and what was learned, after a look at it now."""

    def initial_memory(self) -> SaturationMemory:
        """No gauge set, no HPA seen."""
        return SaturationMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: SaturationMemory) -> tuple[Plan, SaturationMemory]:
        """Run the loop where it is due, then let every HPA that is due follow."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        models = self._looked(observation, memory.models)
        gauges = {name: gauge for model in models.values() for name, gauge in model.gauges.items()}
        propose = partial(self._propose, gauges)
        plan, hpas = self._follower().follow(self.name, observation, memory.hpas, propose)
        return plan, SaturationMemory(version=VERSION, models=models, hpas=hpas)

    def _looked(self, observation: Observation, before: Mapping[str, ModelMemory]) -> Mapping[str, ModelMemory]:
        """What is remembered of every model that still has a variant, after the loops that are due."""
        now = observation.now
        variants: dict[str, list[str]] = {}
        for seen in observation.variants:
            variants.setdefault(seen.variant.model, []).append(seen.variant.name)
        models = {name: before[name] for name in variants if name in before}
        for name in dict.fromkeys(seen.variant.model for seen in in_scope(observation)):
            known = models.get(name)
            # A clock that was set back does not stop the loop.
            if known is None or now < known.ran_at or is_due(known.ran_at, now, self.optimization_interval_s):
                known = ModelMemory(now) if known is None else known
                models[name] = _of_these(self.analyzed(observation, name, known), now, variants[name])
        return models

    def _propose(self, gauges: Mapping[str, Gauge], seen: VariantObservation) -> tuple[int | None, list[Reason]]:
        """What the gauge asks of the HPA, or ``None`` while it was never set; and why."""
        gauge = gauges.get(seen.variant.name)
        if gauge is None:
            return None, [Reason("missing", "wva_desired_replicas was never set: nothing changes")]
        down, up = tolerances(self.behavior, self.tolerance)
        proposal = propose_average(not_draining(seen), gauge.replicas * _TARGET_MILLI, _TARGET_MILLI, down, up)
        reasons = [Reason("gauge", f"wva_desired_replicas is {gauge.replicas}: {gauge.why}")]
        if proposal.replicas != gauge.replicas:
            reasons.append(Reason("tolerated", f"{proposal.ratio:.2f} times the current count is within the tolerance"))
        return proposal.replicas, reasons

    def _follower(self) -> Follower:
        return Follower(self.behavior, self.sync_period_s, self.downscale_stabilization_s, self.plan_valid_s)


def _of_these(memory: ModelMemory, now: float, variants: Sequence[str]) -> ModelMemory:
    """The same, from now, without gauges of variants that are gone."""
    kept = {name: memory.gauges[name] for name in variants if name in memory.gauges}
    return ModelMemory(now, kept, memory.learned)

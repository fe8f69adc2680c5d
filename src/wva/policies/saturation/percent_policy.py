"""The percentage analyzer of February 2026 as a policy."""

from dataclasses import dataclass, field, replace

from wva.fleet.observation import Observation
from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Unit
from wva.policies.saturation.defects import PERCENT
from wva.policies.saturation.gauge import GaugePolicy
from wva.policies.saturation.memory import ModelMemory
from wva.policies.saturation.percent import PercentThresholds, percent_gauges
from wva.policies.saturation.readings import read_model

_TEN_PODS = (RatePolicy(Unit.PODS, 10, 150.0),)

CHART_BEHAVIOR = Behavior(ScaleUpRules(240.0, _TEN_PODS), ScaleDownRules(240.0, _TEN_PODS))
"""The HPA of the Helm chart of February 2026: 240 s and 10 pods in 150 s, both ways."""


@dataclass(frozen=True, slots=True)
class SaturationPercentPolicy(GaugePolicy):
    """One replica more or fewer at a time by spare KV cache and queue, when everything is ready.

    A model none of whose replicas report keeps its gauges, and so does a variant none of whose replicas report: the
    reference keeps what it asked for in its custom resource. Defect *gateway's queue unread*.
    """

    name: str = PERCENT
    """Name that users select it by."""
    optimization_interval_s: float = 30.0
    """Seconds between two looks of the analyzer at a model; the reference has 30 s fixed in its code."""
    behavior: Behavior | None = CHART_BEHAVIOR
    """``spec.behavior`` of every HPA; by default the Helm chart's."""
    thresholds: PercentThresholds = field(default_factory=PercentThresholds)

    def analyzed(self, observation: Observation, model: str, before: ModelMemory) -> ModelMemory:
        """The gauges after a look at the model."""
        reading = read_model(observation, model, by_replica=True)
        gauges = percent_gauges(reading.variants, before.gauges, self.thresholds)
        return replace(before, gauges={**before.gauges, **gauges})

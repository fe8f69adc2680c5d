"""The token analyzer of August 2026 as a policy."""

from dataclasses import dataclass, field, replace

from wva.fleet.observation import Observation
from wva.policies.hpa.settings import Behavior, RatePolicy, ScaleDownRules, ScaleUpRules, Unit
from wva.policies.saturation.capacity import Knowledge, TokenThresholds
from wva.policies.saturation.defects import TOKENS
from wva.policies.saturation.gauge import GaugePolicy
from wva.policies.saturation.memory import ModelMemory
from wva.policies.saturation.readings import read_model
from wva.policies.saturation.tokens import token_gauges

_TEN_PODS = (RatePolicy(Unit.PODS, 10, 15.0),)

SAMPLE_BEHAVIOR = Behavior(ScaleUpRules(0.0, _TEN_PODS), ScaleDownRules(0.0, _TEN_PODS))
"""The HPA of the sample of August 2026: at once and 10 pods in 15 s, both ways."""


@dataclass(frozen=True, slots=True)
class SaturationTokensPolicy(GaugePolicy):
    """As many replicas as KV tokens in use and in queues call for, in one step, on the variants cheapest by token."""

    name: str = TOKENS
    """Name that users select it by."""
    optimization_interval_s: float = 15.0
    """Seconds between two looks of the analyzer at a model (``GLOBAL_OPT_INTERVAL``)."""
    behavior: Behavior | None = SAMPLE_BEHAVIOR
    """``spec.behavior`` of every HPA; by default the sample's."""
    thresholds: TokenThresholds = field(default_factory=TokenThresholds)

    def analyzed(self, observation: Observation, model: str, before: ModelMemory) -> ModelMemory:
        """The gauges and what was learned after a look at the model."""
        knowledge = Knowledge(before.learned)
        gauges = token_gauges(read_model(observation, model, by_replica=False), knowledge, self.thresholds)
        variants = [seen.variant for seen in observation.variants if seen.variant.model == model]
        return replace(before, gauges={**before.gauges, **gauges}, learned=knowledge.learned(variants))

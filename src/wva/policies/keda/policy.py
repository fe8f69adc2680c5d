"""One ScaledObject for every variant, on metrics of the router."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from wva.decide.view import in_scope, not_draining
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase
from wva.policies.hpa.calculator import Proposal, largest
from wva.policies.hpa.external import propose_average, propose_value
from wva.policies.hpa.follower import Follower
from wva.policies.hpa.memory import VERSION as HPA_VERSION
from wva.policies.hpa.memory import HpaMemory
from wva.policies.hpa.settings import Behavior, tolerances
from wva.policies.keda.executor import Executor, ScaledObject
from wva.policies.keda.router import Router
from wva.policies.keda.settings import GUIDE_BEHAVIOR, MetricType, RouterMetric, Trigger, milli

VERSION = 1
"""Layout of ``KedaMemory``."""

_UNIT_MILLI = 1000
"""Target of the composite metric in thousandths: it is a count of replicas already."""

Readings = list[tuple[Trigger, float | None]]
"""The triggers of a variant with what their queries answer."""


@dataclass(frozen=True, slots=True)
class KedaMemory(Memory):
    """What KEDA and the HPAs that it made know."""

    scaled_objects: Mapping[str, ScaledObject] = field(default_factory=dict)
    """By variant name."""
    hpas: HpaMemory = field(default_factory=lambda: HpaMemory(version=HPA_VERSION))


@dataclass(frozen=True, slots=True)
class KedaPolicy:
    """One ScaledObject for every variant; by default as llm-d's guide has it: 1 held and 16 running requests."""

    name: str = "keda"
    """Name that users select it by."""
    triggers: tuple[Trigger, ...] = (
        Trigger(RouterMetric.QUEUE_SIZE, 1.0),
        Trigger(RouterMetric.REQUEST_RUNNING, 16.0),
    )
    """``spec.triggers``; the one that asks for most wins. Where the gateway holds nothing back, the queue stays empty
    and running requests alone decide."""
    variant_triggers: Mapping[str, tuple[Trigger, ...]] = field(default_factory=dict)
    """``spec.triggers`` of the variants whose ScaledObject has others, by variant name."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """What a variant's queries multiply metrics of the pool by, by variant name; others take equal parts, one over the
    number of their model's variants."""
    overshoot_guard: bool = False
    """``advanced.scalingModifiers`` of the guide's queue-guard overlay: the largest demand of the triggers, less the
    replicas that are still coming, is the one metric. It takes a scale-up window of 0, and no metric of type Value."""
    behavior: Behavior = GUIDE_BEHAVIOR
    """``advanced.horizontalPodAutoscalerConfig.behavior``."""
    polling_interval_s: float = 15.0
    """Seconds between two looks at whether a trigger is active; the HPA asks for the metrics when it syncs."""
    cooldown_period_s: float = 300.0
    """Seconds after the last active trigger before a variant without minimum goes to 0."""
    initial_cooldown_period_s: float = 0.0
    """Seconds after the start before it may, if no trigger was ever active."""
    ignore_null_values: bool = True
    """Whether a series that is not there reads as 0, as KEDA's Prometheus scaler does unless told otherwise: when the
    router cannot be scraped, variants shrink to their minimum. Otherwise they stay."""
    queue_depth_threshold: float = 5.0
    """Waiting requests at which the router's saturation detector holds an endpoint for full."""
    kv_cache_util_threshold: float = 0.8
    """Share of the KV cache at which it does."""
    tolerance: float = 0.1
    """Relative distance from a threshold that the HPA ignores."""
    sync_period_s: float = 15.0
    """Seconds between two computations of the HPA."""
    staleness_s: float = 300.0
    """Age in seconds from which a scraped value is not there: Prometheus looks back 5 minutes by default."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def __post_init__(self) -> None:
        if not all([self.triggers, *self.variant_triggers.values()]):
            raise ValueError("triggers must have at least one entry")
        for name, share in self.shares.items():
            if not 0 <= share < inf:
                raise ValueError(f"the share of {name} must be a number of at least 0, got {share}")
        every = [*self.triggers, *(trigger for triggers in self.variant_triggers.values() for trigger in triggers)]
        if self.overshoot_guard and any(trigger.metric_type is MetricType.VALUE for trigger in every):
            raise ValueError("overshoot_guard takes no trigger of metric_type Value")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        for name in ("cooldown_period_s", "initial_cooldown_period_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("polling_interval_s", "queue_depth_threshold", "kv_cache_util_threshold"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        self._follower()

    def initial_memory(self) -> KedaMemory:
        """No ScaledObject seen."""
        return KedaMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: KedaMemory) -> tuple[Plan, KedaMemory]:
        """Let the HPAs compute, then KEDA, whose word counts between 0 and 1."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        now = observation.now
        readings = {seen.variant.name: self._readings(seen, observation) for seen in in_scope(observation)}
        plan, hpas = self._follower().follow(
            self.name, observation, memory.hpas, lambda seen: self._propose(seen, readings[seen.variant.name])
        )
        before = memory.scaled_objects
        names = [seen.variant.name for seen in observation.variants]
        after = {name: before[name] for name in names if name in before}
        executor = Executor(self.polling_interval_s, self.cooldown_period_s, self.initial_cooldown_period_s)
        parts = []
        for seen, part in zip(in_scope(observation), plan.variants, strict=True):
            name = seen.variant.name
            known = before.get(name, ScaledObject(now)).not_after(now)
            active = any(
                value is not None and value > trigger.activation_threshold for trigger, value in readings[name]
            )
            error = any(value is None for _, value in readings[name])
            after[name], reason = executor.poll(seen, known, active, error, now)
            parts.append(_overruled(seen, part, after[name].decided, reason))
        return replace(plan, variants=tuple(parts)), KedaMemory(version=VERSION, scaled_objects=after, hpas=hpas)

    def _follower(self) -> Follower:
        # There always is a behavior, so the window of an HPA without one is never looked at.
        return Follower(self.behavior, self.sync_period_s, 0.0, self.plan_valid_s)

    def _readings(self, seen: VariantObservation, observation: Observation) -> Readings:
        """What the queries of a variant's triggers answer."""
        name = seen.variant.name
        router = Router(self.queue_depth_threshold, self.kv_cache_util_threshold, self.staleness_s)
        readings: Readings = []
        for trigger in self.variant_triggers.get(name, self.triggers):
            value = router.read(trigger.metric, seen, observation)
            if value is None and self.ignore_null_values:
                value = 0.0
            if value is not None and _is_shared(trigger):
                value *= self._share(seen, observation)
            readings.append((trigger, value))
        return readings

    def _share(self, seen: VariantObservation, observation: Observation) -> float:
        share = self.shares.get(seen.variant.name)
        if share is not None:
            return share
        return 1 / sum(other.variant.model == seen.variant.model for other in observation.variants)

    def _propose(self, seen: VariantObservation, readings: Readings) -> tuple[int | None, list[Reason]]:
        """What the HPA's metrics ask for; and why."""
        if self.overshoot_guard:
            return self._guarded(seen, readings)
        proposals = []
        for trigger, value in readings:
            proposal = None if value is None else self._compared(trigger, value, seen)
            proposals.append((proposal, _told(trigger, value, proposal)))
        return largest(seen.desired, proposals)

    def _compared(self, trigger: Trigger, value: float, seen: VariantObservation) -> Proposal:
        down, up = tolerances(self.behavior, self.tolerance)
        if trigger.metric_type is MetricType.AVERAGE_VALUE:
            return propose_average(seen.desired, milli(value), trigger.target_milli, down, up)
        ready = len(seen.in_phase(Phase.READY))
        return propose_value(seen.desired, ready, milli(value), trigger.target_milli, down, up)

    def _guarded(self, seen: VariantObservation, readings: Readings) -> tuple[int | None, list[Reason]]:
        """The composite metric: demand in replicas, without those still coming, but not below those there are."""
        demands = [value / trigger.threshold for trigger, value in readings if value is not None]
        if len(demands) < len(readings):
            return None, [Reason("held", "the composite metric cannot be computed: nothing changes")]
        demand, replicas = max(demands), not_draining(seen)
        coming = replicas - len(seen.in_phase(Phase.READY))
        composite = demand if demand <= replicas else max(demand - coming, replicas)
        down, up = tolerances(self.behavior, self.tolerance)
        proposal = propose_average(seen.desired, milli(composite), _UNIT_MILLI, down, up)
        text = f"{demand:.2f} replicas are asked for and {coming} of {replicas} come: proposes {proposal.replicas}"
        return proposal.replicas, [Reason("guarded", text)]


def _told(trigger: Trigger, value: float | None, proposal: Proposal | None) -> Reason:
    if value is None or proposal is None:
        return Reason("missing", f"{trigger.metric} is not there")
    text = f"{trigger.metric} is {value:g}, with a threshold of {trigger.threshold:g} ({trigger.metric_type})"
    return Reason("metric", f"{text}: proposes {proposal.replicas}")


def _is_shared(trigger: Trigger) -> bool:
    return trigger.metric is not RouterMetric.KV_CACHE_USAGE and trigger.metric_type is MetricType.AVERAGE_VALUE


def _overruled(seen: VariantObservation, part: VariantPlan, decided: int | None, reason: Reason | None) -> VariantPlan:
    """The HPA's part of the plan, or KEDA's where it decided."""
    if decided is not None and reason is not None:
        return VariantPlan(seen.variant.name, not_draining(seen), decided, decided, (reason,))
    return part if reason is None else replace(part, reasons=(*part.reasons, reason))

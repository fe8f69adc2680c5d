"""What a live loop shows on its own /metrics: the counts that followers take, and how the loop is."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wva.decide.view import bounded, not_draining
from wva.fleet.clock import Clock
from wva.fleet.model import Model
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.outcome import Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Phase
from wva.fleet.tick import Tick, TickResult
from wva.fleet.variant import Variant
from wva.prometheus.inherited import NOTHING, Inherited
from wva.record.problems import Problems

STALE_S = 60.0
"""Seconds after which what was seen is no longer shown: a stopped loop must not look like a fleet that stands still."""

_TURN_BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_DECISION_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_WELL = (TickResult.APPLIED, TickResult.PAUSED)
_ON_HARDWARE = (Phase.STARTING, Phase.READY, Phase.DRAINING)


class VariantLabels(NamedTuple):
    """Labels of a variant, as the reference WVA has them."""

    variant_name: str
    namespace: str
    accelerator_type: str


class ModelLabels(NamedTuple):
    """Labels of a model."""

    model_name: str
    namespace: str


class Names:
    """What variants and models are called outside: as in the fleet. A body that calls them otherwise says how."""

    def variant(self, variant: Variant, namespace: str) -> VariantLabels:
        """Of a variant whose model is in that namespace."""
        return VariantLabels(variant.name, namespace, variant.accelerator)

    def model(self, model: Model) -> ModelLabels:
        """Of a model."""
        return ModelLabels(model.name, model.namespace)

    def is_withheld(self, variant: Variant) -> bool:
        """Whether no count is published for a variant, though one was decided."""
        return False


class LoopCollector(Collector):
    """Makes metrics of the newest turn, whenever it is asked; register it with a ``CollectorRegistry``.

    ``wva_desired_replicas`` is a variant's only while it is known: not where the plan withholds it, nor once the plan
    has expired, nor while the loop is paused. A follower that finds none keeps what it has. What a predecessor
    published stands in until this loop's own plans say a count.
    """

    def __init__(
        self,
        clock: Clock,
        problems: Problems,
        controller_instance: str | None = None,
        names: Names | None = None,
        inherited: Inherited = NOTHING,
    ) -> None:
        """``controller_instance`` tells several controllers of one cluster apart, as a label of its own."""
        self._clock = clock
        self._problems = problems
        self._instance = controller_instance
        self._names = names or Names()
        self._inherited = inherited
        self._seen: Observation | None = None
        self._plan: Plan | None = None
        self._paused = False
        self._succeeded: float | None = None
        self._ticks = Counter("wva_loop_ticks", "Turns of the loop.", ["trigger", "result"], registry=None)
        self._scaling = Counter(
            "wva_replica_scaling",
            "Changes of a replica count that were carried out.",
            ["variant_name", "namespace", "direction", "reason"],
            registry=None,
        )
        self._turns = Histogram(
            "wva_optimization_duration_seconds",
            "Time from looking to telling, in seconds.",
            ["status"],
            buckets=_TURN_BOUNDS_S,
            registry=None,
        )
        self._decisions = Histogram(
            "wva_decision_duration_seconds",
            "Time that the policy took, in seconds.",
            buckets=_DECISION_BOUNDS_S,
            registry=None,
        )

    def announce(self, plan: Plan) -> None:
        """Show a plan before it is carried out, to those who follow it, and whose part waits for it to be shown."""
        self._plan = plan
        self._inherited = self._inherited.without(plan)

    def watch(self, tick: Tick) -> None:
        """Take a turn in: what the loop calls after each."""
        well = tick.result in _WELL
        self._ticks.labels(tick.trigger.value, tick.result.value).inc()
        self._turns.labels("success" if well else "error").observe(tick.timings.total_s)
        self._paused = tick.paused
        if well:
            self._succeeded = tick.time
        if tick.observation is not None:
            self._seen = tick.observation
        if tick.plan is not None and tick.observation is not None:
            self.announce(tick.plan)
            self._decisions.observe(tick.timings.decide_s)
            self._count_changes(tick, tick.plan, tick.observation)

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        now = self._clock.utc()
        seen = self._seen if self._seen is not None and now - self._seen.now <= STALE_S else None
        plan = self._plan if self._plan is not None and now <= self._plan.valid_until else None
        if seen is not None:
            yield from self._replicas(seen, plan, now)
            yield self._cost(seen)
            if plan is not None:
                yield from self._capacity(seen, plan)
        if self._succeeded is not None:
            yield GaugeMetricFamily(
                "wva_loop_last_success_timestamp_seconds",
                "When the last turn began that came to a decision, in seconds since the epoch.",
                value=self._succeeded,
            )
        yield GaugeMetricFamily("wva_paused", "Whether decisions are made but not carried out.", value=self._paused)
        for own in (self._ticks, self._scaling, self._turns, self._decisions):
            yield from own.collect()
        errors = CounterMetricFamily("wva_errors", "Problems, repeated ones included.", labels=["component"])
        for component, count in sorted(self._problems.counts.items()):
            errors.add_metric([component], count)
        yield errors

    def _replicas(self, seen: Observation, plan: Plan | None, now: float) -> Iterator[Metric]:
        names = [*VariantLabels._fields] + (["controller_instance"] if self._instance else [])
        desired = GaugeMetricFamily("wva_desired_replicas", "Replicas that a variant should have.", labels=names)
        current = GaugeMetricFamily(
            "wva_current_replicas", "Replicas that a variant has, but for draining ones.", labels=names
        )
        ratio = GaugeMetricFamily(
            "wva_desired_ratio", "Desired over current replicas; desired where none is.", labels=names
        )
        parts = {} if plan is None else {part.variant: part for part in plan.variants}
        labels_of = self._labels(seen)
        for variant in seen.variants:
            labels = [*labels_of[variant.variant.name]] + ([self._instance] if self._instance else [])
            has = not_draining(variant)
            current.add_metric(labels, has)
            wanted = self._wanted(variant, parts.get(variant.variant.name), now)
            if wanted is not None:
                desired.add_metric(labels, wanted)
                ratio.add_metric(labels, wanted / has if has else wanted)
        yield from (desired, current, ratio)

    def _wanted(self, seen: VariantObservation, part: VariantPlan | None, now: float) -> int | None:
        if self._paused or self._names.is_withheld(seen.variant):
            return None
        own = published(part, seen.variant)
        return self._inherited.count(seen, now) if own is None else own

    def _cost(self, seen: Observation) -> Metric:
        cost = GaugeMetricFamily(
            "wva_cost_per_hour",
            "Price of the replicas that are on hardware, for an hour.",
            labels=VariantLabels._fields,
        )
        labels = self._labels(seen)
        for variant in seen.variants:
            price = len(variant.in_phase(*_ON_HARDWARE)) * variant.variant.cost_per_hour
            cost.add_metric(labels[variant.variant.name], price)
        return cost

    def _capacity(self, seen: Observation, plan: Plan) -> Iterator[Metric]:
        names = [*ModelLabels._fields, "unit"]
        required = GaugeMetricFamily("wva_required_capacity", "Capacity that the load of a model needs.", labels=names)
        spare = GaugeMetricFamily("wva_spare_capacity", "Capacity that is left over after a plan.", labels=names)
        figures = {}
        of = {variant.variant.name: variant.variant.model for variant in seen.variants}
        for part in plan.variants:
            for reason in part.reasons:
                if reason.figures and part.variant in of:
                    figures[of[part.variant]] = dict(reason.figures)
        for observed in seen.models:
            known = figures.get(observed.model.name, {})
            if "required" in known and "capacity" in known:
                labels = [*self._names.model(observed.model), "requests_per_second"]
                required.add_metric(labels, known["required"])
                spare.add_metric(labels, max(0.0, known["capacity"] - known["required"]))
        yield from (required, spare)

    def _count_changes(self, tick: Tick, plan: Plan, seen: Observation) -> None:
        parts = {part.variant: part for part in plan.variants}
        labels_of = self._labels(seen)
        for outcome in tick.outcomes:
            part = parts.get(outcome.variant)
            if part is None or outcome.result in (Result.REFUSED, Result.CONFLICT) or outcome.replicas == part.expected:
                continue
            labels = labels_of[outcome.variant]
            direction = "up" if outcome.replicas > part.expected else "down"
            reason = part.reasons[-1].code if part.reasons else "none"
            self._scaling.labels(labels.variant_name, labels.namespace, direction, reason).inc()

    def _labels(self, seen: Observation) -> dict[str, VariantLabels]:
        """By variant."""
        namespaces = {observed.model.name: observed.model.namespace for observed in seen.models}
        return {
            each.variant.name: self._names.variant(each.variant, namespaces.get(each.variant.model, ""))
            for each in seen.variants
        }


def published(part: VariantPlan | None, variant: Variant) -> int | None:
    """The count for a variant's follower, within what people allow; ``None`` where it is withheld."""
    return None if part is None or part.publish is None else bounded(variant, part.publish)

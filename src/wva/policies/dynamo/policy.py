"""One planner for every variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from wva.decide.capacity import prior_server
from wva.decide.plans import hold_variant
from wva.decide.view import bounded, dated, in_scope, not_draining
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import ModelObservation, Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase, Replica
from wva.policies.dynamo.budget import within_budget
from wva.policies.dynamo.config import OptimizationTarget, PlannerConfig
from wva.policies.dynamo.engines import engines_of, in_flight, shape_of
from wva.policies.dynamo.load import Step, Usual, by_kv_cache, by_latency
from wva.policies.dynamo.memory import VERSION, DynamoMemory, ModelMemory, PlannerMemory
from wva.policies.dynamo.throughput import Order, order, remember_interval
from wva.policies.dynamo.traffic import arrival_rate, begun, count_finished, counted, shares

_MERGE_TOLERANCE_S = 0.5
"""Seconds by which a loop may run early, so that both run at once where their times coincide."""


@dataclass(frozen=True, slots=True)
class DynamoPolicy(PlannerConfig):
    """Dynamo's planner in aggregated mode, one for every variant, with both of its loops."""

    name: str = "dynamo"
    """Name that users select it by."""
    share: Mapping[str, float] = field(default_factory=dict)
    """Weights by which a model's requests are taken to go to its variants, by variant name; a model of whose variants
    none has a weight goes by what their engines took on."""
    plan_valid_s: float = 60.0
    """Seconds after its observation for which a plan may still be carried out."""

    def initial_memory(self) -> DynamoMemory:
        """Nothing seen."""
        return DynamoMemory(version=VERSION)

    def __call__(self, observation: Observation, memory: DynamoMemory) -> tuple[Plan, DynamoMemory]:
        """Run the loops that are due for every variant in scope, and hold the others."""
        if memory.version != VERSION:
            memory = self.initial_memory()
        scope = in_scope(observation)
        plans: dict[str, VariantPlan] = {}
        after = {}
        for observed in observation.models:
            name = observed.model.name
            own = [seen for seen in scope if seen.variant.model == name]
            known = memory.models.get(name)
            if own:
                decided, after[name] = self._decide(observed, own, known, observation.now)
                plans.update(decided)
            elif known is not None:
                after[name] = known
        parts = [
            plans.get(seen.variant.name) or hold_variant(seen, (Reason("held", "its model's objectives are unknown"),))
            for seen in scope
        ]
        plan = dated(observation, self.name, self.plan_valid_s, parts)
        return plan, DynamoMemory(version=VERSION, models=after)

    def _decide(
        self, observed: ModelObservation, variants: Sequence[VariantObservation], memory: ModelMemory | None, now: float
    ) -> tuple[dict[str, VariantPlan], ModelMemory]:
        """Both loops for the variants of one model."""
        memory = self._looked(memory, variants, now)
        memory, orders = self._throughput(observed, variants, memory, now)
        plans, planners = {}, {}
        for seen in variants:
            name = seen.variant.name
            plans[name], planners[name] = self._plan(observed.model, seen, memory.planners[name], orders.get(name), now)
        return plans, replace(memory, planners=planners)

    def _looked(self, memory: ModelMemory | None, variants: Sequence[VariantObservation], now: float) -> ModelMemory:
        """The memory with what the engines have finished since, and with planners for variants that are new."""
        if memory is None:
            memory = ModelMemory(since=now)
        elif now < memory.since:
            # The clock was set back: the interval begins now.
            memory = replace(memory, since=now, counted_at=None)
        planners = {}
        for seen in variants:
            planner = memory.planners.get(seen.variant.name)
            planners[seen.variant.name] = begun(seen, now) if planner is None else count_finished(planner, seen, now)
        return replace(memory, planners=planners)

    def _throughput(
        self, observed: ModelObservation, variants: Sequence[VariantObservation], memory: ModelMemory, now: float
    ) -> tuple[ModelMemory, dict[str, Order]]:
        """What the throughput loop orders for each variant, where it is due and knows the demand."""
        count = counted(observed.traffic, now)
        if count is None or not self.throughput_scaling:
            return memory, {}
        counted_at, arrivals = count
        if memory.counted_at is None or arrivals < memory.arrivals:
            # Nothing was counted yet, or the gateway's counter has begun anew.
            return replace(memory, counted_at=counted_at, arrivals=arrivals), {}
        rate = arrival_rate(memory, counted_at, arrivals)
        interval = self.throughput_adjustment_interval_seconds
        if rate is None or now - memory.since < interval - _MERGE_TOLERANCE_S:
            return memory, {}
        part = shares(variants, memory.planners, self.share)
        planners, orders = {}, {}
        for seen in variants:
            name = seen.variant.name
            planner = planners[name] = remember_interval(
                memory.planners[name], rate * interval * part[name], in_flight(seen), shape_of(seen), self
            )
            server = prior_server(observed.model, seen.variant)
            if server is not None:
                orders[name] = order(
                    planner, server, self._objectives(observed.model), len(_ready(seen)), _gpus(seen), self
                )
        return ModelMemory(since=now, counted_at=counted_at, arrivals=arrivals, planners=planners), orders

    def _plan(
        self, model: Model, seen: VariantObservation, planner: PlannerMemory, ordered: Order | None, now: float
    ) -> tuple[VariantPlan, PlannerMemory]:
        """What becomes of one variant."""
        reasons = [] if ordered is None else [Reason("throughput", ordered.why)]
        if not self.load_scaling:
            if ordered is None:
                return _held(seen, Reason("between_intervals", "nothing changes until the interval is over")), planner
            return _in_progress(seen, reasons) or _planned(seen, ordered.replicas, reasons), planner
        if ordered is not None:
            planner = replace(planner, lower_bound=ordered.replicas)
        if now - planner.looked_at < self.load_adjustment_interval_seconds - _MERGE_TOLERANCE_S:
            return _held(seen, *reasons, Reason("between_looks", "nothing changes until the next look")), planner
        planner = replace(planner, looked_at=now)
        return _in_progress(seen, reasons) or self._by_load(model, seen, planner, reasons), planner

    def _by_load(
        self, model: Model, seen: VariantObservation, planner: PlannerMemory, reasons: list[Reason]
    ) -> VariantPlan:
        """The load loop's step, over what the traffic needs and within the budget."""
        ready = _ready(seen)
        step = self._step(model, seen, planner, ready)
        if step is None:
            return _held(seen, *reasons, Reason("held", "not every engine says how it is: nothing changes"))
        reasons.append(Reason("load", step.why))
        wanted = max(len(ready) + step.change, self.min_endpoint)
        if self.throughput_scaling and wanted < planner.lower_bound:
            reasons.append(Reason("floor", f"the traffic needs {planner.lower_bound} replicas, and not {wanted}"))
            wanted = planner.lower_bound
        target = within_budget(len(ready), wanted, _gpus(seen), self)
        if target != wanted:
            reasons.append(Reason("budget", f"{self.max_gpu_budget} GPUs allow {target} replicas, and not {wanted}"))
        return _planned(seen, target, reasons)

    def _step(
        self, model: Model, seen: VariantObservation, planner: PlannerMemory, ready: Sequence[Replica]
    ) -> Step | None:
        """What the load loop wants; ``None`` where engines or the engine model say nothing."""
        server = prior_server(model, seen.variant)
        shape = shape_of(seen)
        isl = shape.isl or planner.last_isl or 0.0
        engines = engines_of(ready, isl)
        if server is None or engines is None:
            return None
        if self.optimization_target is not OptimizationTarget.SLA:
            return by_kv_cache(self, server, engines, len(ready))
        held = float(engines.decode_requests.sum())
        usual = Usual(
            isl=isl,
            kv_hit_rate=planner.kv_hit_rate if shape.kv_hit_rate is None else shape.kv_hit_rate,
            prefill_tokens=shape.prefill_tokens,
            decode_kv=float(engines.decode_kv.sum()) / held if held else 0.0,
        )
        return by_latency(self, server, engines, len(ready), usual, self._objectives(model))

    def _objectives(self, model: Model) -> Objectives:
        """``ttft_ms`` and ``itl_ms`` of the planners of a model's variants, in seconds."""
        return Objectives(self.ttft_share * model.objectives.ttft_s, self.itl_share * model.objectives.tpot_s)


def _ready(seen: VariantObservation) -> list[Replica]:
    return [replica for replica in seen.replicas if replica.phase is Phase.READY]


def _gpus(seen: VariantObservation) -> int:
    return seen.variant.gpus_per_replica


def _in_progress(seen: VariantObservation, reasons: Sequence[Reason]) -> VariantPlan | None:
    """The plan of a planner that only looks on, while not exactly the replicas that are wanted are ready."""
    ready = len(_ready(seen))
    if ready == seen.desired == not_draining(seen):
        return None
    found = f"{ready} of {seen.desired} replicas are ready: nothing changes until all are"
    return _held(seen, *reasons, Reason("scaling_in_progress", found))


def _held(seen: VariantObservation, *reasons: Reason) -> VariantPlan:
    return hold_variant(seen, reasons)


def _planned(seen: VariantObservation, replicas: int, reasons: list[Reason]) -> VariantPlan:
    """The count that a loop has settled on, within the variant's own bounds."""
    target = bounded(seen.variant, replicas)
    if target != replicas:
        reasons = [*reasons, Reason("clamped", f"{replicas} is outside the variant's minimum and maximum")]
    return VariantPlan(seen.variant.name, not_draining(seen), target, target, tuple(reasons))

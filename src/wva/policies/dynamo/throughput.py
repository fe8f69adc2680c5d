"""The throughput loop: what the next interval's requests need, in the manner of ``throughput_scaling.py``."""

from dataclasses import dataclass, replace
from math import ceil

from wva.engine.server import Server
from wva.fleet.model import Objectives
from wva.policies.dynamo.budget import within_budget
from wva.policies.dynamo.config import PlannerConfig
from wva.policies.dynamo.engines import Shape
from wva.policies.dynamo.memory import PlannerMemory
from wva.policies.dynamo.perf_model import find_engine_capacity
from wva.policies.dynamo.predictors import expected, observe


@dataclass(frozen=True, slots=True)
class Order:
    """What the loop asks for."""

    replicas: int
    why: str
    """The figures that say so."""


def remember_interval(
    planner: PlannerMemory, requests: float, in_flight: float, shape: Shape, config: PlannerConfig
) -> PlannerMemory:
    """Take the interval that is over into the forecasts, and begin the next one.

    In an idle interval requests have no length: the last ones stay. Before anything was seen they count as 0.
    """
    isl, osl = planner.last_isl, planner.last_osl
    if requests > 0.0:
        isl, osl = shape.isl or isl, shape.osl or osl
    return replace(
        planner,
        finished=0.0,
        in_flight=in_flight,
        num_req=observe(planner.num_req, requests, config),
        isl=planner.isl if isl is None else observe(planner.isl, isl, config),
        osl=planner.osl if osl is None else observe(planner.osl, osl, config),
        last_isl=isl,
        last_osl=osl,
        kv_hit_rate=planner.kv_hit_rate if shape.kv_hit_rate is None else shape.kv_hit_rate,
    )


def order(
    planner: PlannerMemory, server: Server, objectives: Objectives, current: int, gpus: int, config: PlannerConfig
) -> Order:
    """Replicas for the requests that are expected, each as many as it can serve within the objectives.

    Where the performance model has no answer the current count stands.
    """
    interval = config.throughput_adjustment_interval_seconds
    isl, osl = expected(planner.isl, config), expected(planner.osl, config)
    rate = expected(planner.num_req, config) / interval
    capacity = find_engine_capacity(server, isl, osl, planner.kv_hit_rate, objectives.ttft_s, objectives.tpot_s)
    if capacity is None or not capacity.rps > 0.0:
        wanted, why = current, f"nothing can be said of requests of {isl:.0f} and {osl:.0f} tokens: {current} stay"
    else:
        wanted = max(ceil(rate / capacity.rps), config.min_endpoint)
        why = (
            f"{rate:.3g} requests/s of {isl:.0f} and {osl:.0f} tokens are expected, and an engine does "
            f"{capacity.rps:.3g}{'' if capacity.eligible else ', though not within the objectives'}: {wanted} replicas"
        )
    step = config.max_throughput_scaling_replicas
    bounded = max(min(wanted, current + step), current - step, config.min_endpoint)
    return Order(within_budget(current, bounded, gpus, config), why)

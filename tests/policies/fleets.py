"""Small fleets for tables: one variant, its replicas, and only the figures that matter."""

from dataclasses import fields
from typing import Any

from wva.fleet.inventory import Inventory
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import (
    CarrierTraits,
    ModelObservation,
    Observation,
    Traffic,
    Trigger,
    VariantObservation,
)
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant

_UNKNOWN: dict[str, Any] = {field.name: None for field in fields(InstanceMetrics)}
_UNSEEN: dict[str, Any] = {field.name: None for field in fields(Traffic)}


def metrics(
    waiting: float | None = None, kv_usage: float | None = None, running: float | None = None, age_s: float = 1.0
) -> InstanceMetrics:
    """Metrics of which only these are known."""
    return InstanceMetrics(**{**_UNKNOWN, "age_s": age_s, "waiting": waiting, "kv_usage": kv_usage, "running": running})


def traffic(in_flight: float | None = None, queue_requests: float | None = None, age_s: float = 1.0) -> Traffic:
    """A gateway's figures of which only these are known."""
    return Traffic(**{**_UNSEEN, "age_s": age_s, "in_flight": in_flight, "queue_requests": queue_requests})


def replica(*instances: InstanceMetrics | None, phase: Phase = Phase.READY) -> Replica:
    """A replica of those instances."""
    return Replica(
        id="replica",
        phase=phase,
        reason=None,
        since=0.0,
        ordered_at=None,
        started_at=None,
        ready_at=None,
        revision=None,
        instances=tuple(Instance(f"rank-{rank}", None, seen) for rank, seen in enumerate(instances)),
    )


def seen(
    desired: int, replicas: list[Replica], lowest: int = 1, highest: int = 100, name: str = "variant", model: str = "m"
) -> VariantObservation:
    """A variant with those replicas, of which that many are wanted."""
    variant = Variant(
        name=name,
        model=model,
        role=Role.BOTH,
        accelerator="H100-80GB",
        tensor_parallel=1,
        engine=EngineArguments(),
        cost_per_hour=3.0,
        min_replicas=lowest,
        max_replicas=highest,
        startup_s=110.0,
    )
    traits = CarrierTraits(owner="wva", chooses_victims=False, drains=True, reaches_zero=False, restores=False)
    return VariantObservation(variant, desired, None, None, traits, tuple(replicas))


def observation(
    now: float, *variants: VariantObservation, scope: tuple[str, ...] = ("m",), flows: Traffic | None = None
) -> Observation:
    """Those variants at that instant, and what the gateway says of model ``m``."""
    model = Model("m", "default", "Llama-3.1-8B-Instruct", "bf16", Objectives(2.0, 0.1), 0)
    return Observation(
        id=f"at-{now:g}",
        now=now,
        trigger=Trigger.INTERVAL,
        scope=scope,
        models=() if flows is None else (ModelObservation(model, flows),),
        variants=variants,
        inventory=Inventory(),
        outcomes=(),
        configuration="configuration",
    )

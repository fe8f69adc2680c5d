"""Small fleets for tables: one variant, its replicas, and only the figures that matter."""

from dataclasses import fields
from typing import Any

from wva.fleet.inventory import Inventory
from wva.fleet.observation import CarrierTraits, Observation, Trigger, VariantObservation
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant

_UNKNOWN: dict[str, Any] = {field.name: None for field in fields(InstanceMetrics)}


def metrics(
    waiting: float | None = None, kv_usage: float | None = None, running: float | None = None, age_s: float = 1.0
) -> InstanceMetrics:
    """Metrics of which only these are known."""
    return InstanceMetrics(**{**_UNKNOWN, "age_s": age_s, "waiting": waiting, "kv_usage": kv_usage, "running": running})


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


def observation(now: float, *variants: VariantObservation, scope: tuple[str, ...] = ("m",)) -> Observation:
    """Those variants at that instant."""
    return Observation(
        id=f"at-{now:g}",
        now=now,
        trigger=Trigger.INTERVAL,
        scope=scope,
        models=(),
        variants=variants,
        inventory=Inventory(),
        outcomes=(),
        configuration="configuration",
    )

"""Variants, readings and observations for tables: only the figures that matter."""

from dataclasses import replace

from tests.policies.fleets import metrics, observation, replica, seen
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import ModelObservation, Observation, Traffic, VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.policies.saturation.readings import HeldQueue, ModelReading, Reading, VariantReading

NOTHING_HELD = HeldQueue(0, 0)


def variant(
    name: str = "a",
    cost: float = 1.0,
    role: Role = Role.BOTH,
    accelerator: str = "H100-80GB",
    gpus: int = 1,
    engine: EngineArguments | None = None,
    highest: int = 100,
) -> Variant:
    """A variant of model ``m``."""
    return Variant(
        name=name,
        model="m",
        role=role,
        accelerator=accelerator,
        tensor_parallel=gpus,
        engine=engine or EngineArguments(),
        cost_per_hour=cost,
        min_replicas=1,
        max_replicas=highest,
        startup_s=110.0,
    )


def reading(
    kv: float = 0.0, waiting: int = 0, capacity: int = 100_000, tokens: tuple[float, float] = (0.0, 0.0)
) -> Reading:
    """An instance; ``tokens`` are its mean prompt and answer."""
    return Reading(kv, waiting, capacity, *tokens)


def fleet(
    *readings: Reading, of: Variant | None = None, current: int | None = None, pending: int = 0
) -> VariantReading:
    """A variant whose instances are these; all of its replicas report unless said otherwise."""
    count = len(readings) + pending if current is None else current
    return VariantReading(of or variant(), count, count, pending, readings)


def model(*variants: VariantReading, held: HeldQueue = NOTHING_HELD) -> ModelReading:
    """A model of these variants."""
    return ModelReading(variants, held)


def shown(kv: float | None = None, waiting: float | None = None, age_s: float = 1.0) -> InstanceMetrics:
    """Metrics of which only the maxima of a minute are known."""
    return replace(metrics(age_s=age_s), kv_usage_max_1m=kv, waiting_max_1m=waiting)


def pod(*instances: InstanceMetrics | None, phase: Phase = Phase.READY, capacity: int | None = 100_000) -> Replica:
    """A replica whose instances show this and have that KV cache."""
    known = replica(*instances, phase=phase)
    return replace(known, instances=tuple(replace(one, kv_capacity_tokens=capacity) for one in known.instances))


def observed(of: Variant, pods: list[Replica], desired: int | None = None) -> VariantObservation:
    """A variant with those pods, all of them wanted unless said otherwise."""
    return replace(seen(len(pods) if desired is None else desired, pods), variant=of)


def at(now: float, *variants: VariantObservation, held: tuple[float, float] | None = None) -> Observation:
    """Those variants of model ``m``, of which the gateway holds so many requests and bytes."""
    traffic = None
    if held is not None:
        traffic = Traffic(1.0, None, None, None, None, None, None, None, None, *held, None, None)
    known = Model("m", "default", "shape", "bf16", Objectives(2.0, 0.1), 0)
    return replace(observation(now, *variants), models=(ModelObservation(known, traffic),))

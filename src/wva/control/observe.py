"""Joins what a body knows with what was measured into the observation that a policy decides on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wva.control.seams import FleetState
from wva.fleet.model import Model
from wva.fleet.observation import ModelObservation, VariantObservation
from wva.fleet.readings import InstanceReading, Readings
from wva.fleet.replica import Instance, Phase, Replica
from wva.fleet.variant import Variant

NOTHING = Readings({}, {})
"""Where nothing could be measured."""

_SERVING = (Phase.READY, Phase.DRAINING)


def observed_models(models: Sequence[Model], readings: Readings) -> tuple[ModelObservation, ...]:
    """Every model with its traffic; what was not measured is unknown."""
    return tuple(ModelObservation(model, readings.traffic.get(model.name)) for model in models)


def observed_variants(state: FleetState, readings: Readings, pins: Mapping[str, int]) -> tuple[VariantObservation, ...]:
    """Every variant with the metrics of its replicas that serve; a pinned one has its count as minimum and maximum.

    Metrics are only joined with replicas that the body says exist and serve: a series may outlive its replica.
    """
    return tuple(
        replace(
            seen,
            variant=_pinned(seen, pins),
            replicas=tuple([_measured(one, readings.instances) for one in seen.replicas]),
        )
        for seen in state.variants
    )


def _pinned(seen: VariantObservation, pins: Mapping[str, int]) -> Variant:
    count = pins.get(seen.variant.name)
    return seen.variant if count is None else replace(seen.variant, min_replicas=count, max_replicas=count)


def _measured(replica: Replica, readings: Mapping[str, InstanceReading]) -> Replica:
    if replica.phase not in _SERVING:
        return replica
    return replica.with_instances(tuple([_read(each, readings.get(each.id)) for each in replica.instances]))


def _read(instance: Instance, reading: InstanceReading | None) -> Instance:
    if reading is None:
        return instance
    capacity = reading.kv_capacity_tokens
    return Instance(instance.id, instance.kv_capacity_tokens if capacity is None else capacity, reading.metrics)

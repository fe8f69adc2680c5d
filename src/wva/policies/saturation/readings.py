"""What the analyzers read of a fleet: the answers of the reference's queries, in its own terms.

Neither arrivals nor latencies are among them: defect *blind to objectives*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite

from wva.decide.view import not_draining
from wva.fleet.observation import Observation, Traffic, VariantObservation
from wva.fleet.replica import Instance, Phase, Replica
from wva.fleet.variant import Variant

MAXIMUM_WINDOW_S = 60.0
"""A scrape older than the window of ``max_over_time(...[1m])`` leaves the query without an answer."""
LOOKBACK_S = 300.0
"""Age up to which Prometheus answers a query for a plain gauge."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One engine instance, or one replica with the largest figures of its instances.

    Defects *missing KV is empty* (what is not there is 0) and *maxima of a minute*.
    """

    kv_usage: float
    """Largest share of the KV cache in use over a minute, 0 to 1."""
    waiting: int
    """Most requests that waited over a minute."""
    kv_capacity_tokens: int
    input_tokens: float
    """Mean prompt over five minutes."""
    output_tokens: float
    """Mean answer over five minutes."""

    @property
    def tokens_in_use(self) -> int:
        """KV tokens that the share of the cache amounts to."""
        return max(0, min(floor(self.kv_usage * self.kv_capacity_tokens + 0.5), self.kv_capacity_tokens))


@dataclass(frozen=True, slots=True)
class VariantReading:
    """A variant with its replicas."""

    variant: Variant
    wanted: int
    """``spec.replicas``."""
    current: int
    """``status.replicas``, or ``spec.replicas`` where that is 0."""
    pending: int
    """Those of them that are not ready."""
    readings: tuple[Reading, ...]
    """What reports. A replica that drains is as good as gone: see what ``defects`` says of ghosts."""


@dataclass(frozen=True, slots=True)
class HeldQueue:
    """What the gateway holds for a model."""

    requests: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ModelReading:
    """A model with its variants above 0: defect *zero is invisible*."""

    variants: tuple[VariantReading, ...]
    queue: HeldQueue


def read_model(observation: Observation, model: str, *, by_replica: bool) -> ModelReading:
    """What the queries answer for a model; ``by_replica`` takes the largest figures of each replica's instances."""
    traffic = next((seen.traffic for seen in observation.models if seen.model.name == model), None)
    active = [seen for seen in observation.variants if seen.variant.model == model and seen.desired > 0]
    return ModelReading(tuple(_read_variant(seen, by_replica) for seen in active), _read_queue(traffic))


def _read_variant(seen: VariantObservation, by_replica: bool) -> VariantReading:
    current = not_draining(seen) or seen.desired
    staying = [replica for replica in seen.replicas if replica.phase is not Phase.DRAINING]
    return VariantReading(
        variant=seen.variant,
        wanted=seen.desired,
        current=current,
        pending=max(0, current - len(seen.in_phase(Phase.READY))),
        readings=tuple(reading for replica in staying for reading in _read_replica(replica, by_replica)),
    )


def _read_replica(replica: Replica, by_replica: bool) -> Sequence[Reading]:
    """Its instances that report."""
    readings = [reading for instance in replica.instances if (reading := _read_instance(instance)) is not None]
    if not by_replica or len(readings) < 2:
        return readings
    return [
        Reading(
            kv_usage=max(reading.kv_usage for reading in readings),
            waiting=max(reading.waiting for reading in readings),
            kv_capacity_tokens=max(reading.kv_capacity_tokens for reading in readings),
            input_tokens=max(reading.input_tokens for reading in readings),
            output_tokens=max(reading.output_tokens for reading in readings),
        )
    ]


def _read_instance(instance: Instance) -> Reading | None:
    """What it reports, or ``None`` with neither KV cache nor queue."""
    metrics = instance.metrics
    if metrics is None or not metrics.age_s < MAXIMUM_WINDOW_S:
        return None
    usage, waiting = metrics.kv_usage_max_1m, metrics.waiting_max_1m
    if usage is None and waiting is None:
        return None
    return Reading(
        kv_usage=_number(usage),
        waiting=int(_number(waiting)),
        kv_capacity_tokens=instance.kv_capacity_tokens or 0,
        input_tokens=_number(metrics.input_tokens_mean_5m),
        output_tokens=_number(metrics.output_tokens_mean_5m),
    )


def _read_queue(traffic: Traffic | None) -> HeldQueue:
    if traffic is None or not traffic.age_s < LOOKBACK_S:
        return HeldQueue(0, 0)
    return HeldQueue(int(_number(traffic.queue_requests)), int(_number(traffic.queue_bytes)))


def _number(value: float | None) -> float:
    """The value, or 0 where it is missing or no number."""
    return value if value is not None and isfinite(value) else 0.0

"""The percentage analyzer: does the model need one replica more, and can it do with one fewer.

As the reference does it in ``internal/saturation/analyzer.go`` of February 2026, which knows no roles: all variants of
a model are one group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wva.policies.saturation.memory import Gauge
from wva.policies.saturation.readings import Reading, VariantReading

FEWEST_TO_SHRINK = 2
"""Non-saturated replicas below which none is given up (``MinNonSaturatedReplicasForScaleDown``)."""


@dataclass(frozen=True, slots=True)
class PercentThresholds:
    """The entry of the reference's ``wva-saturation-scaling-config``."""

    kv_cache_threshold: float = 0.80
    """``kvCacheThreshold``: share of the KV cache from which a replica is saturated."""
    queue_length_threshold: float = 5.0
    """``queueLengthThreshold``: waiting requests from which a replica is saturated."""
    kv_spare_trigger: float = 0.10
    """``kvSpareTrigger``: mean spare share of the KV cache below which the model grows."""
    queue_spare_trigger: float = 3.0
    """``queueSpareTrigger``: mean spare places in the queue below which the model grows."""

    def __post_init__(self) -> None:
        if not 0 <= self.kv_cache_threshold <= 1:
            raise ValueError(f"kv_cache_threshold must be between 0 and 1, got {self.kv_cache_threshold}")
        if not self.queue_length_threshold >= 0:
            raise ValueError(f"queue_length_threshold must not be negative, got {self.queue_length_threshold}")
        if not 0 <= self.kv_spare_trigger <= self.kv_cache_threshold:
            raise ValueError(
                f"kv_spare_trigger must be between 0 and kv_cache_threshold ({self.kv_cache_threshold:g}), "
                f"got {self.kv_spare_trigger}"
            )
        if not self.queue_spare_trigger >= 0:
            raise ValueError(f"queue_spare_trigger must not be negative, got {self.queue_spare_trigger}")


@dataclass(frozen=True, slots=True)
class Spare:
    """Room below the thresholds, as a mean over replicas that are not saturated."""

    kv: float
    queue: float
    replicas: int
    """How many are not saturated; without any the room is 0."""


def spare_of(variants: Sequence[VariantReading], thresholds: PercentThresholds) -> Spare:
    """The model's room: the mean of the variants' means by their numbers. Defect *means without the saturated*."""
    kv = queue = 0.0
    replicas = 0
    for variant in variants:
        own = _mean_spare(variant.readings, thresholds)
        kv += own.kv * own.replicas
        queue += own.queue * own.replicas
        replicas += own.replicas
    return Spare(kv / replicas, queue / replicas, replicas) if replicas else Spare(0.0, 0.0, 0)


def _mean_spare(readings: Sequence[Reading], thresholds: PercentThresholds) -> Spare:
    kv = queue = 0.0
    replicas = 0
    for reading in readings:
        if reading.kv_usage < thresholds.kv_cache_threshold and reading.waiting < thresholds.queue_length_threshold:
            kv += thresholds.kv_cache_threshold - reading.kv_usage
            queue += thresholds.queue_length_threshold - reading.waiting
            replicas += 1
    return Spare(kv / replicas, queue / replicas, replicas) if replicas else Spare(0.0, 0.0, 0)


def too_little(spare: Spare, thresholds: PercentThresholds) -> str:
    """Why the model must grow, in words; empty when it need not."""
    low = []
    if spare.kv < thresholds.kv_spare_trigger:
        low.append(f"spare KV cache {spare.kv:.3f} is below {thresholds.kv_spare_trigger:g}")
    if spare.queue < thresholds.queue_spare_trigger:
        low.append(f"spare queue {spare.queue:.1f} is below {thresholds.queue_spare_trigger:g}")
    return " and ".join(low)


def can_lose_one(spare: Spare, thresholds: PercentThresholds) -> bool:
    """Whether the load, spread over one replica fewer, leaves the room that keeps the model from growing again.

    The reference's fragmentation check, with the defect *optimistic fragmentation check*.
    """
    if spare.replicas < FEWEST_TO_SHRINK:
        return False
    factor = spare.replicas / (spare.replicas - 1)
    kv_load = (thresholds.kv_cache_threshold - spare.kv) * factor
    queue_load = (thresholds.queue_length_threshold - spare.queue) * factor
    return (
        thresholds.kv_cache_threshold - kv_load >= thresholds.kv_spare_trigger
        and thresholds.queue_length_threshold - queue_load >= thresholds.queue_spare_trigger
    )


def percent_gauges(
    variants: Sequence[VariantReading], before: Mapping[str, Gauge], thresholds: PercentThresholds
) -> dict[str, Gauge]:
    """What every variant that reports should have, given what was asked for before.

    Defects *transition freeze*, *one at a time*, *floor of one per variant* and *no maximum*.
    """
    variants = [variant for variant in variants if variant.readings]
    unsettled = [text for variant in variants if (text := _unsettled(variant, before))]
    if unsettled:
        why = f"nothing of the model changes while {' and '.join(unsettled)}"
        return {v.variant.name: _pending_ask(v, before) or Gauge(v.current, why) for v in variants}
    counts = {variant.variant.name: len(variant.readings) for variant in variants}
    spare = spare_of(variants, thresholds)
    shortage = too_little(spare, thresholds)
    room = f"spare KV cache {spare.kv:.3f}, spare queue {spare.queue:.1f} over {spare.replicas} unsaturated replicas"
    gauges = {name: Gauge(count, room) for name, count in counts.items()}
    if shortage:
        growing = min((v for v in variants if v.pending == 0), key=_price_and_name, default=None)
        if growing is not None:
            name = growing.variant.name
            gauges[name] = Gauge(counts[name] + 1, f"one more of the cheapest variant, as {shortage}")
    elif can_lose_one(spare, thresholds):
        shrinking = max((v for v in variants if counts[v.variant.name] > 1), key=_price_and_name, default=None)
        if shrinking is not None:
            name = shrinking.variant.name
            gauges[name] = Gauge(counts[name] - 1, f"one fewer of the dearest variant above one: {room}")
    return gauges


def _unsettled(variant: VariantReading, before: Mapping[str, Gauge]) -> str:
    """What of the variant is in transition, in words; empty when nothing is."""
    name, current = variant.variant.name, variant.current
    ask = _pending_ask(variant, before)
    if ask is not None:
        return f"{name} has {current} of {ask.replicas} replicas"
    if len(variant.readings) != current:
        return f"{len(variant.readings)} of {current} replicas of {name} report"
    return ""


def _pending_ask(variant: VariantReading, before: Mapping[str, Gauge]) -> Gauge | None:
    """What was asked for and is not there; 0 and nothing are one to the reference."""
    gauge = before.get(variant.variant.name)
    return None if gauge is None or gauge.replicas in (0, variant.current) else gauge


def _price_and_name(variant: VariantReading) -> tuple[float, str]:
    return variant.variant.cost_per_hour, variant.variant.name

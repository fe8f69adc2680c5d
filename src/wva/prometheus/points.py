"""Single values with their labels, as a scrape or a query gives them, made into samples of an engine or a gateway."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wva.prometheus.families import (
    CACHE_CONFIG,
    ENGINE,
    GATEWAY,
    TPOT_BUCKETS,
    TTFT_BUCKETS,
    WAITING_BY_REASON,
    EngineColumn,
    GatewayColumn,
    Names,
)


class Point(NamedTuple):
    """One series at one instant."""

    name: str
    labels: Mapping[str, str]
    value: float


class UnbelievableError(Exception):
    """What a server says of itself cannot be so. The text says what."""


@dataclass(frozen=True, slots=True)
class GatewaySample:
    """One model at one gateway."""

    columns: tuple[float, ...]
    """In the order of ``GatewayColumn``; NaN is unknown."""
    ttft: Mapping[float, float] = field(default_factory=dict)
    """Answers up to each inclusive upper bound of a time to first token, in seconds."""
    tpot: Mapping[float, float] = field(default_factory=dict)
    """The same for the time per output token after the first."""


def engine_sample(points: Iterable[Point]) -> tuple[float, ...]:
    """The columns of one instance, in the order of ``EngineColumn``; NaN where none of a metric's names is there.

    Where a server shows several engines behind one port, they are added up, and their KV usages averaged: their caches
    are alike. Raises ``UnbelievableError`` for a value that no count and no share can have.
    """
    found = _by_name(points)
    columns = []
    for column in EngineColumn:
        values = _first(found, ENGINE[column])
        if not values:
            columns.append(math.nan)
        elif column is EngineColumn.KV_USAGE:
            usage = sum(values) / len(values)
            if usage > 1.0:
                raise UnbelievableError(f"a KV usage of {usage:g}")
            columns.append(usage)
        else:
            columns.append(sum(values))
    return tuple(columns)


def kv_capacity(points: Iterable[Point]) -> int | None:
    """KV-cache tokens of an instance, over its engines; unknown where its configuration does not say."""
    sizes = [cache_tokens(point.labels) for point in points if point.name == CACHE_CONFIG]
    known = [size for size in sizes if size is not None]
    return sum(known) if known and len(known) == len(sizes) else None


def waiting_for_capacity(points: Iterable[Point]) -> float | None:
    """Requests that wait for KV cache or a slot, over an instance's engines; unknown where it does not say."""
    known = [
        point.value for point in points if point.name == WAITING_BY_REASON and point.labels.get("reason") == "capacity"
    ]
    return sum(known) if known else None


def gateway_samples(points: Iterable[Point]) -> dict[str, GatewaySample]:
    """What a gateway says, by model: the one that a request was sent on for, or else the one that was asked for.

    Raises ``UnbelievableError`` for a value that no count can have.
    """
    of_model: dict[str, list[Point]] = defaultdict(list)
    for point in points:
        model = point.labels.get("target_model_name") or point.labels.get("model_name")
        if model:
            of_model[model].append(point)
    return {model: gateway_sample(own) for model, own in of_model.items()}


def gateway_sample(points: Sequence[Point]) -> GatewaySample:
    """What a gateway says of one model. Raises ``UnbelievableError`` for a value that no count can have."""
    found = _by_name(point for point in points if point.name not in (TTFT_BUCKETS, TPOT_BUCKETS))
    columns = []
    for column in GatewayColumn:
        values = _first(found, GATEWAY[column])
        columns.append(sum(values) if values else math.nan)
    return GatewaySample(tuple(columns), _buckets(points, TTFT_BUCKETS), _buckets(points, TPOT_BUCKETS))


def _by_name(points: Iterable[Point]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for point in points:
        found.setdefault(point.name, []).append(_counted(point.name, point.value))
    return found


def _first(found: Mapping[str, list[float]], names: Names) -> list[float]:
    return next((found[name] for name in names if name in found), [])


def _counted(name: str, value: float) -> float:
    if not 0.0 <= value < math.inf:
        raise UnbelievableError(f"{name} is {value:g}")
    return value


def _buckets(points: Iterable[Point], name: str) -> dict[float, float]:
    buckets: dict[float, float] = defaultdict(float)
    for point in points:
        if point.name == name:
            try:
                bound = float(point.labels["le"])
            except (KeyError, ValueError) as error:
                raise UnbelievableError(f"{name} has a bucket without a bound") from error
            buckets[bound] += _counted(name, point.value)
    return dict(sorted(buckets.items()))


def cache_tokens(labels: Mapping[str, str]) -> int | None:
    """KV-cache tokens by the labels of ``CACHE_CONFIG``: newer servers say it in tokens, older ones in blocks."""
    size = _positive(labels.get("kv_cache_size_tokens"))
    if size is not None:
        return size
    blocks, tokens = _positive(labels.get("num_gpu_blocks")), _positive(labels.get("block_size"))
    return None if blocks is None or tokens is None else blocks * tokens


def _positive(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and int(text) > 0 else None

"""The state of a variant's engines, in the terms of Dynamo's forward-pass metrics."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.decide.trust import known
from wva.fleet.observation import VariantObservation
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.policies.dynamo.perf_model import discounted

STALENESS_S = 300.0
"""Age in seconds from which a scraped value is missing: Prometheus looks back 5 minutes."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What each of a variant's engines holds; arrays of shape (engines,)."""

    decode_requests: NDArray[np.float64]
    """Requests that decode; those that prefill are among them."""
    decode_kv: NDArray[np.float64]
    """Tokens of them in the KV cache."""
    queued_requests: NDArray[np.float64]
    """Requests that wait."""
    queued_prefill: NDArray[np.float64]
    """Tokens of their prompts."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What requests and passes of a variant look like on average."""

    isl: float | None
    """Tokens of a prompt."""
    osl: float | None
    """Tokens of an answer."""
    kv_hit_rate: float | None
    """Part of the prompts found in the prefix cache, 0 to 1."""
    prefill_tokens: float
    """Prompt tokens that one pass computes beside decoding; 0 where it is unknown."""


def shape_of(seen: VariantObservation) -> Shape:
    """The means over its engines, each counted by the requests that it finishes."""
    requests = prompts = answers = hits = 0.0
    passes = []
    for metrics in _all_metrics(seen):
        rate = known(metrics.requests_finished_rate_5m)
        isl, osl = known(metrics.input_tokens_mean_5m), known(metrics.output_tokens_mean_5m)
        hit = known(metrics.prefix_hit_rate_5m) or 0.0
        if rate and isl and osl:
            requests += rate
            prompts += rate * isl
            answers += rate * osl
            hits += rate * isl * hit
        tokens, between = known(metrics.prompt_tokens_rate_5m), known(metrics.inter_token_mean_5m_s)
        if tokens is not None and between is not None:
            passes.append(discounted(tokens * between, hit))
    return Shape(
        isl=prompts / requests if requests else None,
        osl=answers / requests if requests else None,
        kv_hit_rate=hits / prompts if prompts else None,
        prefill_tokens=sum(passes) / len(passes) if passes else 0.0,
    )


def engines_of(ready: Sequence[Replica], isl: float) -> Engines | None:
    """The engines of these replicas; ``None`` unless all of them report. Prompts that wait are of ``isl`` tokens."""
    loads = [_load(instance) for replica in ready for instance in replica.instances]
    reported = [load for load in loads if load is not None]
    if not reported or len(reported) < len(loads) or not all(replica.instances for replica in ready):
        return None
    running, used, waiting = np.array(reported).T
    return Engines(running, used, waiting, waiting * isl)


def finished_totals(seen: VariantObservation) -> dict[str, float | None]:
    """Requests that each engine has finished so far, by instance id; ``None`` where it does not say."""
    totals: dict[str, float | None] = {}
    for replica in seen.replicas:
        for instance in replica.instances:
            metrics = _fresh(instance)
            totals[instance.id] = None if metrics is None else known(metrics.requests_finished_total)
    return totals


def in_flight(seen: VariantObservation) -> float:
    """Requests in its engines, as far as they say."""
    return sum((known(metrics.running) or 0.0) + (known(metrics.waiting) or 0.0) for metrics in _all_metrics(seen))


def _load(instance: Instance) -> tuple[float, float, float] | None:
    """Requests that run, tokens that they hold, requests that wait; ``None`` where any is unknown."""
    metrics = _fresh(instance)
    if metrics is None or instance.kv_capacity_tokens is None:
        return None
    running, waiting, usage = known(metrics.running), known(metrics.waiting), known(metrics.kv_usage)
    if running is None or waiting is None or usage is None:
        return None
    return running, usage * instance.kv_capacity_tokens, waiting


def _all_metrics(seen: VariantObservation) -> Iterator[InstanceMetrics]:
    for instance in _instances(seen.replicas):
        metrics = _fresh(instance)
        if metrics is not None:
            yield metrics


def _instances(replicas: Iterable[Replica]) -> Iterator[Instance]:
    for replica in replicas:
        if replica.phase in (Phase.READY, Phase.DRAINING):
            yield from replica.instances


def _fresh(instance: Instance) -> InstanceMetrics | None:
    metrics = instance.metrics
    return metrics if metrics is not None and 0.0 <= metrics.age_s <= STALENESS_S else None

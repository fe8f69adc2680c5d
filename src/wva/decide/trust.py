"""What of an observation can be believed: replicas that exist and are ready, figures that are fresh and finite."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wva.decide.memory import LoadSample
from wva.decide.settings import Settings
from wva.fleet.observation import ModelObservation, Traffic, VariantObservation
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica

BYTES_PER_TOKEN = 4.0
"""Bytes of a request for each token of its prompt: a gateway counts bytes, and English text has about four a token."""

_SERVING = (Phase.READY, Phase.DRAINING)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Mean tokens of requests that finished of late; ``None`` is unknown."""

    input_tokens: float | None
    output_tokens: float | None
    prefix_hit_rate: float
    """Part of the prompts found in the prefix cache, 0 to 1; 0 where it is unknown, so that none is hoped for."""


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What the engines of a model hold, over all that serve."""

    running: float
    """Requests that decode or prefill."""
    waiting: float
    """Requests in the engines' queues."""
    used_tokens: float
    """Tokens in their KV caches."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is held at the gateway."""

    requests: float
    tokens: float
    """Prompt tokens of them."""


def known(value: float | None) -> float | None:
    """The value if it is a finite number that no counter or gauge could not show."""
    return value if value is not None and 0.0 <= value < math.inf else None


def fresh_traffic(observed: ModelObservation, settings: Settings) -> Traffic | None:
    """The gateway's figures unless they are missing or stale."""
    traffic = observed.traffic
    return traffic if traffic is not None and 0.0 <= traffic.age_s <= settings.stale_s else None


def fresh_metrics(replicas: Iterable[Replica], settings: Settings) -> Iterator[InstanceMetrics]:
    """The metrics of the instances of those that serve, less the stale ones."""
    for replica in replicas:
        if replica.phase in _SERVING:
            for instance in replica.instances:
                metrics = readable(instance, settings)
                if metrics is not None:
                    yield metrics


def readable(instance: Instance, settings: Settings) -> InstanceMetrics | None:
    """The metrics of an instance unless they are missing or stale."""
    metrics = instance.metrics
    return metrics if metrics is not None and 0.0 <= metrics.age_s <= settings.stale_s else None


def generated(variants: Iterable[VariantObservation], settings: Settings) -> dict[str, float | None]:
    """Answer tokens generated so far by each instance: 0 before it serves, ``None`` where that is unknown."""
    totals: dict[str, float | None] = {}
    for variant in variants:
        for replica in variant.replicas:
            serving = replica.phase in _SERVING
            for instance in replica.instances:
                if not serving:
                    totals[instance.id] = 0.0
                else:
                    metrics = readable(instance, settings)
                    totals[instance.id] = None if metrics is None else known(metrics.generation_tokens_total)
    return totals


def backlog(observed: ModelObservation, settings: Settings) -> Backlog | None:
    """What waits at the gateway; ``None`` is unknown."""
    traffic = fresh_traffic(observed, settings)
    if traffic is None:
        return None
    requests, size = known(traffic.queue_requests), known(traffic.queue_bytes)
    return None if requests is None or size is None else Backlog(requests, size / BYTES_PER_TOKEN)


def load_sample(
    observed: ModelObservation,
    held: Occupancy | None,
    waiting_holds: float,
    generated_tokens: float,
    now: float,
    settings: Settings,
) -> LoadSample | None:
    """The load at the gateway's newest scrape, or ``None`` where its counters are missing or stale.

    ``generated_tokens`` is the fleet's count of answer tokens; ``waiting_holds`` is the KV-cache tokens that have to be
    there for each request that waits.
    """
    traffic = fresh_traffic(observed, settings)
    if traffic is None:
        return None
    requests, size = known(traffic.arrivals_total), known(traffic.arrived_bytes_total)
    if requests is None or size is None:
        return None
    queued = backlog(observed, settings)
    tokens = None
    if held is not None and queued is not None:
        tokens = held.used_tokens + (held.waiting + queued.requests) * waiting_holds
    return LoadSample(now - traffic.age_s, requests, size / BYTES_PER_TOKEN, generated_tokens, tokens)


def lengths(variants: Iterable[VariantObservation], settings: Settings) -> Lengths:
    """Mean request over all fresh instances, each counted by the requests it finished."""
    finished = prompt = answer = hits = 0.0
    for variant in variants:
        for metrics in fresh_metrics(variant.replicas, settings):
            rate = known(metrics.requests_finished_rate_5m)
            mean_input, mean_output = known(metrics.input_tokens_mean_5m), known(metrics.output_tokens_mean_5m)
            if rate is None or mean_input is None or mean_output is None:
                continue
            finished += rate
            prompt += rate * mean_input
            answer += rate * mean_output
            hits += rate * min(1.0, known(metrics.prefix_hit_rate_5m) or 0.0)
    if finished <= 0.0:
        return Lengths(None, None, 0.0)
    return Lengths(prompt / finished, answer / finished, hits / finished)


def occupancy(variants: Iterable[VariantObservation], settings: Settings) -> Occupancy | None:
    """What the engines hold; ``None`` unless every serving replica said so, because a part would read as less load."""
    running = waiting = used = 0.0
    for variant in variants:
        for replica in variant.in_phase(*_SERVING):
            for instance in replica.instances:
                metrics = readable(instance, settings)
                if metrics is None or instance.kv_capacity_tokens is None:
                    if all(each.metrics is None for each in replica.instances):
                        # Just after its start nothing of a replica was scraped yet, and it holds next to nothing.
                        break
                    return None
                usage, active, queued = known(metrics.kv_usage), known(metrics.running), known(metrics.waiting)
                if usage is None or active is None or queued is None:
                    return None
                running += active
                waiting += queued
                used += usage * instance.kv_capacity_tokens
    return Occupancy(running, waiting, used)

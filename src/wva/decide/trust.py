"""What of an observation can be believed: replicas that exist and are ready, figures that are fresh and finite."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wva.decide.memory import LoadSample
from wva.decide.settings import Settings
from wva.fleet.observation import ModelObservation, Observation, VariantObservation
from wva.fleet.replica import InstanceMetrics, Phase, Replica

BYTES_PER_TOKEN = 4.0
"""Bytes of a request for each token of its prompt: a gateway counts bytes."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Mean tokens of requests that finished of late; ``None`` is unknown."""

    input_tokens: float | None
    output_tokens: float | None
    prefix_hit_rate: float


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What the engines of a model hold, over all that serve."""

    running: float
    waiting: float
    used_tokens: float
    """Tokens in their KV caches."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is held at the gateway; 0 only when the gateway said so."""

    requests: float
    tokens: float


def known(value: float | None) -> float | None:
    """The value if it is a finite number that no counter or gauge could not show."""
    return value if value is not None and math.isfinite(value) and value >= 0.0 else None


def generated(variants: Iterable[VariantObservation], settings: Settings) -> dict[str, float]:
    """Answer tokens generated so far by each instance with a fresh figure."""
    totals = {}
    for variant in variants:
        for replica in variant.in_phase(Phase.READY, Phase.DRAINING):
            for instance in replica.instances:
                metrics = instance.metrics
                if metrics is not None and 0.0 <= metrics.age_s <= settings.stale_s:
                    total = known(metrics.generation_tokens_total)
                    if total is not None:
                        totals[instance.id] = total
    return totals


def load_sample(
    observed: ModelObservation,
    occupancy: "Occupancy | None",
    waiting_holds: float,
    generated_tokens: float,
    now: float,
    settings: Settings,
) -> LoadSample | None:
    """The load at the gateway's newest scrape, or ``None`` where its counters are missing or stale.

    ``generated_tokens`` is the fleet's count of answer tokens; ``waiting_holds`` is the KV-cache tokens that have to be there for each request that waits.
    """
    traffic = observed.traffic
    if traffic is None or not 0.0 <= traffic.age_s <= settings.stale_s:
        return None
    requests, size = known(traffic.arrivals_total), known(traffic.arrived_bytes_total)
    if requests is None or size is None:
        return None
    held = None
    if occupancy is not None:
        waiting = occupancy.waiting + (known(traffic.queue_requests) or 0.0)
        held = occupancy.used_tokens + waiting * waiting_holds
    return LoadSample(now - traffic.age_s, requests, size / BYTES_PER_TOKEN, generated_tokens, held)


def backlog(observed: ModelObservation, settings: Settings) -> Backlog:
    """What waits at the gateway as far as is known."""
    traffic = observed.traffic
    if traffic is None or not 0.0 <= traffic.age_s <= settings.stale_s:
        return Backlog(0.0, 0.0)
    return Backlog(known(traffic.queue_requests) or 0.0, (known(traffic.queue_bytes) or 0.0) / BYTES_PER_TOKEN)


def fresh_metrics(replica: Replica, settings: Settings) -> Iterable[InstanceMetrics]:
    """The metrics of a serving replica's instances that are not stale."""
    if replica.phase not in (Phase.READY, Phase.DRAINING):
        return
    for instance in replica.instances:
        if instance.metrics is not None and 0.0 <= instance.metrics.age_s <= settings.stale_s:
            yield instance.metrics


def lengths(variants: Iterable[VariantObservation], settings: Settings) -> Lengths:
    """Mean request over all fresh instances, each counted by the requests it finished."""
    finished = prompt = answer = hits = 0.0
    for variant in variants:
        for replica in variant.replicas:
            for metrics in fresh_metrics(replica, settings):
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
    """What the engines hold; ``None`` unless every ready replica said so, because a part would read as less load."""
    running = waiting = used = 0.0
    for variant in variants:
        for replica in variant.in_phase(Phase.READY, Phase.DRAINING):
            seen = 0
            for instance in replica.instances:
                metrics = instance.metrics
                if metrics is None or not 0.0 <= metrics.age_s <= settings.stale_s:
                    continue
                usage, active, queued = known(metrics.kv_usage), known(metrics.running), known(metrics.waiting)
                if usage is None or active is None or queued is None or instance.kv_capacity_tokens is None:
                    continue
                seen += 1
                running += active
                waiting += queued
                used += usage * instance.kv_capacity_tokens
            if seen < len(replica.instances) and not _young(replica):
                return None
    return Occupancy(running, waiting, used)


def _young(replica: Replica) -> bool:
    """Whether nothing of a replica was scraped yet, as just after its start, when it holds next to nothing."""
    return all(instance.metrics is None for instance in replica.instances)


def coming(variant: VariantObservation, now: float, settings: Settings) -> int:
    """Replicas that serve or will: ready, starting, and pending ones that are not stuck without hardware."""
    return sum(
        replica.phase in (Phase.READY, Phase.STARTING)
        or (replica.phase is Phase.PENDING and now - replica.since <= settings.stuck_s)
        for replica in variant.replicas
    )


def rolling_out(variant: VariantObservation) -> bool:
    """Whether replicas of more than one template revision exist."""
    revisions = {replica.revision for replica in variant.in_phase(Phase.PENDING, Phase.STARTING, Phase.READY)}
    return len(revisions) > 1 or (variant.revision is not None and revisions not in ({variant.revision}, set()))


def serving(observation: Observation, model: str) -> tuple[VariantObservation, ...]:
    """The variants of a model."""
    return tuple(variant for variant in observation.variants if variant.variant.model == model)

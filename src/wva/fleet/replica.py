"""Replicas, the engine instances in them, and what those instances report."""

from dataclasses import dataclass
from enum import StrEnum

FAILING = "keeps failing"
"""How the reason of a replica begins that starts, ends and starts anew: nothing is to be expected of it."""


class Phase(StrEnum):
    """Where a replica is in its life."""

    PENDING = "pending"
    """Ordered, but no hardware holds it yet."""
    STARTING = "starting"
    """On hardware and billed, not yet serving."""
    READY = "ready"
    DRAINING = "draining"
    """Finishes what it has and takes nothing new."""


@dataclass(frozen=True, slots=True)
class InstanceMetrics:
    """One engine endpoint's metrics, in vLLM's meaning, at its newest scrape.

    ``None`` is unknown. A rate or mean is unknown until two scrapes span its window in part, and a mean also when
    nothing finished in the window.
    """

    age_s: float
    """Seconds since the scrape that these values come from."""
    running: float | None
    """``vllm:num_requests_running``."""
    waiting: float | None
    """``vllm:num_requests_waiting``."""
    kv_usage: float | None
    """``vllm:kv_cache_usage_perc``, 0 to 1."""
    waiting_max_1m: float | None
    """Largest scraped ``waiting`` of the last minute."""
    kv_usage_max_1m: float | None
    """Largest scraped ``kv_usage`` of the last minute."""
    prompt_tokens_total: float | None
    """``vllm:prompt_tokens_total``: prompt tokens of requests whose prefill is done."""
    generation_tokens_total: float | None
    """``vllm:generation_tokens_total``."""
    requests_finished_total: float | None
    """``vllm:request_generation_tokens_count``: requests that ended with an answer."""
    preemptions_total: float | None
    """``vllm:num_preemptions_total``."""
    prompt_tokens_rate_5m: float | None
    """Tokens per second."""
    generation_tokens_rate_5m: float | None
    """Tokens per second."""
    requests_finished_rate_5m: float | None
    """Requests per second."""
    preemptions_rate_5m: float | None
    """Preemptions per second."""
    input_tokens_mean_5m: float | None
    """Mean prompt length of requests that finished in the window."""
    output_tokens_mean_5m: float | None
    """Mean answer length of requests that finished in the window: biased short while answers are under way."""
    prefix_hit_rate_5m: float | None
    """Share of prompt tokens found in the prefix cache, 0 to 1."""
    ttft_mean_5m_s: float | None
    """Mean time to first token as the engine sees it, in seconds."""
    inter_token_mean_5m_s: float | None
    """Mean time between tokens, in seconds."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One engine endpoint of a replica (a data-parallel rank)."""

    id: str
    kv_capacity_tokens: int | None
    """KV-cache size from ``vllm:cache_config_info``; ``None`` until reported."""
    metrics: InstanceMetrics | None
    """``None`` when nothing was ever scraped, as while starting."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One scalable unit of a variant."""

    id: str
    phase: Phase
    reason: str | None
    """Why it is in this phase, where the body knows (``waiting for stock``, ``crashed``)."""
    since: float
    """When it entered the phase, in seconds since the epoch."""
    ordered_at: float | None
    """When it was asked for; ``None`` where the body cannot tell."""
    started_at: float | None
    """When it got hardware and its start began."""
    ready_at: float | None
    """When it first served."""
    revision: str | None
    """Template revision it was made from."""
    instances: tuple[Instance, ...]
    node: str | None = None
    """Name of the node that holds its hardware; ``None`` without any, where it spans several or is unknown."""

    @property
    def failing(self) -> bool:
        """Whether it starts again and again, and never comes to serve."""
        return self.phase is Phase.STARTING and self.reason is not None and self.reason.startswith(FAILING)

    def with_instances(self, instances: tuple[Instance, ...]) -> "Replica":
        """The same replica with other instances."""
        # In less than half the time of ``dataclasses.replace``: it is done to every replica in every turn.
        return Replica(
            self.id,
            self.phase,
            self.reason,
            self.since,
            self.ordered_at,
            self.started_at,
            self.ready_at,
            self.revision,
            instances,
            self.node,
        )

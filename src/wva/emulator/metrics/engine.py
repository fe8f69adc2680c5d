"""What the engine itself counts, read when /metrics is asked for."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wva.emulator.engine import INTER_TOKEN_BOUNDS_S, ITERATION_BOUNDS, LiveEngine
from wva.emulator.metrics.requests import RequestMetrics

SLEEP_STATES = {None: "awake", 1: "weights_offloaded", 2: "discard_all"}
"""Label by sleep level."""

_PROMPT_SOURCES = ("local_compute", "local_cache_hit", "external_kv_transfer")
_CACHE_TIERS = ("device", "host", "p2p", "disk", "external_unspecified")

_Samples = Sequence[tuple[Mapping[str, str], float]]


class EngineMetrics(Collector):
    """Families whose values the engine holds."""

    def __init__(
        self,
        engine: LiveEngine,
        requests: RequestMetrics,
        *,
        model: str,
        engine_label: str,
        cache_config: Mapping[str, str],
        now_ps: Callable[[], int],
        sleep_level: Callable[[], int | None],
    ) -> None:
        """``now_ps`` is the engine's time, up to which whoever scrapes has brought it."""
        self._engine = engine
        self._requests = requests
        self._labels = {"model_name": model, "engine": engine_label}
        self._cache_config = cache_config
        self._now_ps = now_ps
        self._sleep_level = sleep_level
        self._created = time.time()

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: the registry need not ask the engine before it has begun."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family with the values of now."""
        yield from self._gauges()
        yield from self._counters()

    def _gauges(self) -> Iterator[Metric]:
        running, waiting, usage = self._engine.gauges(self._now_ps())
        level = self._sleep_level()
        yield self._gauge("num_requests_running", "Number of requests in model execution batches.", [({}, running)])
        yield self._gauge("num_requests_waiting", "Number of requests waiting to be processed.", [({}, waiting)])
        yield self._gauge(
            "num_requests_waiting_by_reason",
            "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; "
            "'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). "
            "Sum of all reasons equals vllm:num_requests_waiting.",
            [({"reason": "capacity"}, waiting), ({"reason": "deferred"}, 0)],
        )
        yield self._gauge(
            "engine_sleep_state",
            "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; "
            "weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2.",
            [({"sleep_state": state}, float(level == which)) for which, state in SLEEP_STATES.items()],
        )
        yield self._gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", [({}, usage)])
        info = GaugeMetricFamily(
            "vllm:cache_config_info",
            "Information of the LLMEngine CacheConfig",
            labels=[*self._cache_config, "engine"],
        )
        info.add_metric([*self._cache_config.values(), self._labels["engine"]], 1.0)
        yield info

    def _counters(self) -> Iterator[Metric]:
        count = self._engine.counters(self._now_ps())
        cached = self._requests.cached_tokens
        prompt, queried, hit = count["prompt_tokens"], count["prefix_queried"], count["prefix_hit"]
        for name, what in (
            ("flops", "floating point operations"),
            ("read_bytes", "bytes read from memory"),
            ("write_bytes", "bytes written to memory"),
        ):
            # vLLM leaves them at 0 unless it is told to estimate.
            help_text = f"Estimated number of {what} per GPU (for Model Flops Utilization calculations)."
            yield self._counter(f"estimated_{name}_per_gpu", help_text, 0)
        tokens = "in terms of number of queried tokens."
        external = "External prefix cache {} from KV connector cross-instance cache sharing, in terms of number of {}."
        for name, help_text, value in (
            ("prefix_cache_queries", f"Prefix cache queries, {tokens}", queried),
            ("prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens.", hit),
            ("external_prefix_cache_queries", external.format("queries", "queried tokens"), 0),
            ("external_prefix_cache_hits", external.format("hits", "cached tokens"), 0),
            ("mm_cache_queries", "Multi-modal cache queries, in terms of number of queried items.", 0),
            ("mm_cache_hits", "Multi-modal cache hits, in terms of number of cached items.", 0),
            ("num_preemptions", "Cumulative number of preemption from the engine.", count["preemptions"]),
            ("prompt_tokens", "Number of prefill tokens processed.", prompt),
            ("prompt_tokens_cached", "Number of cached prompt tokens (local + external).", cached),
            ("generation_tokens", "Number of generation tokens processed.", count["generation_tokens"]),
        ):
            yield self._counter(name, help_text, value)
        sources = zip(_PROMPT_SOURCES, (prompt - cached, cached, 0), strict=True)
        yield self._counter_of(
            "prompt_tokens_by_source",
            "Number of prompt tokens by source.",
            [({"source": source}, value) for source, value in sources],
        )
        yield self._counter_of(
            "prompt_tokens_cached_by_source",
            "Prefix-cache hit tokens by the cache tier that supplied them: device (local HBM), host (offloaded to "
            "DRAM), disk, p2p (transferred from another vLLM instance) or external_unspecified. Counted at admission; "
            "sums to vllm:prefix_cache_hits + vllm:external_prefix_cache_hits.",
            [({"source": tier}, hit if tier == "device" else 0) for tier in _CACHE_TIERS],
        )
        histograms = self._engine.histograms
        yield self._histogram(
            "iteration_tokens_total",
            "Histogram of number of tokens per engine_step.",
            ITERATION_BOUNDS,
            histograms.iteration.tolist(),
            prompt + count["generation_tokens"],
        )
        yield self._histogram(
            "inter_token_latency_seconds",
            "Histogram of inter-token latency in seconds.",
            INTER_TOKEN_BOUNDS_S,
            histograms.inter_token.tolist(),
            count["inter_token_s"],
        )

    def _gauge(self, name: str, help_text: str, samples: _Samples) -> Metric:
        family = GaugeMetricFamily(f"vllm:{name}", help_text, labels=[*samples[0][0], *self._labels])
        for labels, value in samples:
            family.add_metric([*labels.values(), *self._labels.values()], value)
        return family

    def _counter(self, name: str, help_text: str, value: float) -> Metric:
        return self._counter_of(name, help_text, [({}, value)])

    def _counter_of(self, name: str, help_text: str, samples: _Samples) -> Metric:
        family = CounterMetricFamily(f"vllm:{name}", help_text, labels=[*samples[0][0], *self._labels])
        for labels, value in samples:
            family.add_metric([*labels.values(), *self._labels.values()], value, created=self._created)
        return family

    def _histogram(
        self, name: str, help_text: str, bounds: Sequence[float], counts: Sequence[int], total: float
    ) -> Metric:
        family = HistogramMetricFamily(f"vllm:{name}", help_text, labels=[*self._labels])
        cumulated: list[tuple[str, float]] = []
        reached = 0
        for bound, count in zip([*(str(float(bound)) for bound in bounds), "+Inf"], counts, strict=True):
            reached += count
            cumulated.append((bound, reached))
        family.add_metric([*self._labels.values()], cumulated, total)
        family.add_sample(f"vllm:{name}_created", self._labels, self._created)
        return family

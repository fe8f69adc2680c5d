"""What a Prometheus that scrapes the made-up cluster answers, as the bytes that it sends.

Series bear the labels that the operator of kube-prometheus adds. Counters grow and gauges waver with a load that rises
and falls; two in a hundred pods lack families, and pods that are gone go on having series.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from bench.kubernetes_cycle.cluster import address
from bench.kubernetes_cycle.layout import SCRAPE_S, Layout, ModelPlace, VariantPlace

STARTED = 1_763_700_000.0
"""When all counters began, in seconds since the epoch."""
INPUT_TOKENS, OUTPUT_TOKENS = 900.0, 220.0
KV_TOKENS = 420_000

_NAMES = re.compile(r'__name__=~?"([^"]*)"')
_RANGE = re.compile(r"\[(\d+)s\]")
_BY = re.compile(r"by ?\(([^)]*)\)")

Figure = Callable[["Target", float], float]


def load(time: float) -> float:
    """Seconds' worth of requests so far at a mean rate: it never falls, and its slope wavers by half."""
    since = time - STARTED
    return since + 150.0 * math.sin(since / 300.0)


def rate(time: float) -> float:
    """The load now, in parts of the mean."""
    return 1.0 + 0.5 * math.cos((time - STARTED) / 300.0)


@dataclass(frozen=True, slots=True)
class Target:
    """What is scraped: an engine, or the gateway of a model."""

    labels: str
    """In the order of their names, as JSON without braces."""
    requests_per_s: float
    phase_s: float
    """When in the scrape interval its turn is."""
    missing: frozenset[str] = frozenset()
    """Metrics that it lacks."""


_PER_REQUEST = {
    "vllm:prompt_tokens_total": INPUT_TOKENS,
    "vllm:generation_tokens_total": OUTPUT_TOKENS,
    "vllm:request_prompt_tokens_sum": INPUT_TOKENS,
    "vllm:request_generation_tokens_sum": OUTPUT_TOKENS,
    "vllm:request_generation_tokens_count": 1.0,
    "vllm:prefix_cache_hits_total": 0.3 * INPUT_TOKENS,
    "vllm:prefix_cache_queries_total": INPUT_TOKENS,
    "vllm:inter_token_latency_seconds_sum": 0.0213 * OUTPUT_TOKENS,
    "vllm:inter_token_latency_seconds_count": OUTPUT_TOKENS,
}
"""Growth of an engine's counters with every request."""


def _running(target: Target, time: float) -> float:
    return float(round(target.requests_per_s * rate(time) * 0.0213 * OUTPUT_TOKENS))


def _usage(target: Target, time: float) -> float:
    return min(0.98, _running(target, time) * (INPUT_TOKENS + OUTPUT_TOKENS / 2) / KV_TOKENS)


_GAUGES: dict[str, Figure] = {
    "vllm:num_requests_running": _running,
    "vllm:num_requests_waiting": lambda target, time: float(int(time / 15.0 + target.phase_s) % 40 == 0),
    "vllm:kv_cache_usage_perc": _usage,
}
_GATEWAY_GAUGES: dict[str, Figure] = {
    "inference_objective_running_requests": _running,
    "inference_extension_flow_control_queue_size": lambda target, time: 0.0,
    "inference_extension_flow_control_queue_bytes": lambda target, time: 0.0,
}
_GATEWAY_PER_REQUEST = {
    "inference_objective_request_total": 1.0,
    "inference_objective_request_sizes_sum": 4.0 * INPUT_TOKENS,
    "inference_objective_request_error_total": 0.0,
}


class Answers:
    """Answers to the queries that are sent."""

    def __init__(self, layout: Layout, seed: int = 2) -> None:
        random = Random(seed)
        self._engines = [target for place in layout.variants for target in _engines(place, random)]
        self._gateways = [_gateway(model, _sent(layout, model), random) for model in layout.models]

    def gaps(self) -> dict[str, frozenset[str]]:
        """The metrics that each pod lacks, by ``namespace/pod``."""
        labels = [(json.loads(f"{{{one.labels}}}"), one.missing) for one in self._engines]
        return {f"{of['namespace']}/{of['pod']}": missing for of, missing in labels}

    def answer(self, query: str, at: float) -> bytes:
        """The body of the answer to an instant query."""
        if query == "time()":
            return _whole("scalar", [f'{at:.3f},"{at:.3f}"'])
        names, window = _NAMES.search(query), _RANGE.search(query)
        assert names is not None, query
        seconds = None if window is None else int(window.group(1))
        by = _BY.search(query)
        kept = None if by is None else {name.strip() for name in by.group(1).split(",")}
        series = [one for name in names.group(1).split("|") for one in self._series(name, seconds, at, kept)]
        return _whole("vector" if seconds is None else "matrix", series)

    def _series(self, name: str, seconds: int | None, at: float, kept: set[str] | None) -> Iterator[str]:
        if name == "vllm:cache_config_info":
            yield from (_cache_config(target, at, kept) for target in self._engines if name not in target.missing)
            return
        assert seconds is not None, name
        targets = self._engines if name.startswith("vllm:") else self._gateways
        figure = _figure(name)
        for target in targets:
            if figure is not None and name not in target.missing:
                samples = ",".join(
                    f'[{time:.3f},"{_text(figure(target, time))}"]' for time in _times(target, seconds, at)
                )
                yield f'{{"metric":{{"__name__":"{name}",{target.labels}}},"values":[{samples}]}}'


def _figure(name: str) -> Figure | None:
    """The values of a metric's series; ``None`` where nobody has it."""
    if name in _PER_REQUEST or name in _GATEWAY_PER_REQUEST:
        return _counting((_PER_REQUEST | _GATEWAY_PER_REQUEST)[name])
    return (_GAUGES | _GATEWAY_GAUGES).get(name)


def _counting(per_request: float) -> Figure:
    return lambda target, time: float(round(per_request * target.requests_per_s * load(time), 3))


def _times(target: Target, seconds: int, at: float) -> list[float]:
    last = math.floor((at - target.phase_s) / SCRAPE_S) * SCRAPE_S + target.phase_s
    count = int((last - (at - seconds)) // SCRAPE_S) + 1
    return [last - SCRAPE_S * back for back in range(count - 1, -1, -1)]


def _text(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else repr(value)


def _whole(kind: str, series: Sequence[str]) -> bytes:
    text = ",".join(series)
    return f'{{"status":"success","data":{{"resultType":"{kind}","result":[{text}]}}}}\n'.encode()


def _sent(layout: Layout, model: ModelPlace) -> float:
    return model.requests_per_s * sum(len(each.pods) for each in layout.variants if each.model is model)


def _engines(place: VariantPlace, random: Random) -> Iterator[Target]:
    for index, name in enumerate((*place.pods, *place.ghosts)):
        labels = {
            "container": "vllm",
            "endpoint": "metrics",
            "engine": "0",
            "instance": f"{address(place, index)}:8000",
            "job": f"{place.model.namespace}/vllm",
            "llm_d_ai_model": place.model.name,
            "llm_d_ai_role": "both",
            "llm_d_ai_variant": place.name,
            "model_name": place.model.name,
            "namespace": place.model.namespace,
            "node": place.nodes[index % len(place.nodes)],
            "pod": name,
        }
        missing = frozenset[str]()
        if random.random() < 0.02:
            every = sorted([*_PER_REQUEST, *_GAUGES, "vllm:cache_config_info"])
            missing = frozenset(random.sample(every, random.choice((1, 5, len(every)))))
        requests_per_s = place.model.requests_per_s * random.uniform(0.8, 1.2)
        yield _target(labels, requests_per_s, random, missing)


def _gateway(model: ModelPlace, requests_per_s: float, random: Random) -> Target:
    labels = {
        "container": "epp",
        "endpoint": "http-metrics",
        "instance": f"10.200.{model.number // 250}.{model.number % 250}:9090",
        "job": f"{model.name}-epp",
        "model_name": model.name,
        "namespace": model.namespace,
        "pod": f"{model.name}-epp-6c8f9d7b5-{random.getrandbits(25):05x}",
        "priority": "0",
        "service": f"{model.name}-epp",
        "target_model_name": model.name,
    }
    return _target(labels, requests_per_s, random, frozenset())


def _target(labels: dict[str, str], requests_per_s: float, random: Random, missing: frozenset[str]) -> Target:
    text = ",".join(f'"{name}":"{value}"' for name, value in labels.items())
    return Target(text, requests_per_s, round(random.uniform(0.0, SCRAPE_S), 3), missing)


_CACHE_CONFIG = {
    "_block_size_resolved": "True",
    "block_size": "16",
    "cache_dtype": "auto",
    "enable_prefix_caching": "True",
    "gpu_memory_utilization": "0.92",
    "kv_cache_dtype_skip_layers": "[]",
    "kv_cache_max_concurrency": "10.25",
    "kv_cache_memory_bytes": "None",
    "kv_cache_size_tokens": str(KV_TOKENS),
    "kv_offloading_backend": "native",
    "mamba_cache_mode": "none",
    "num_cpu_blocks": "None",
    "num_gpu_blocks": str(KV_TOKENS // 16),
    "num_gpu_blocks_override": "None",
    "prefix_caching_hash_algo": "sha256",
    "sliding_window": "None",
    "user_specified_block_size": "False",
}


def _cache_config(target: Target, at: float, kept: set[str] | None) -> str:
    labels = json.loads(f"{{{target.labels}}}") | _CACHE_CONFIG | {"__name__": "vllm:cache_config_info"}
    shown = {name: labels[name] for name in sorted(labels) if kept is None or name in kept}
    return f'{{"metric":{json.dumps(shown, separators=(",", ":"))},"value":[{at:.3f},"1"]}}'

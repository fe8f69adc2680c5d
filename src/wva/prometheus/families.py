"""The metrics that are read, by the names that servers and gateways give them.

Where a metric was renamed its names stand newest first, and the first that is there counts: while names change, some
releases show both. Engines' names are vLLM's. Gateways' are those of the Gateway API inference extension's endpoint
picker, which llm-d is renaming with its own prefix; before its first stable release they were called after the model.
"""

from enum import IntEnum

Names = tuple[str, ...]


class EngineColumn(IntEnum):
    """Columns of a sample of one engine instance: gauges, then counters, those for people only last."""

    RUNNING = 0
    WAITING = 1
    KV_USAGE = 2
    PROMPT_TOKENS = 3
    GENERATION_TOKENS = 4
    FINISHED = 5
    INPUT_SUM = 6
    OUTPUT_SUM = 7
    PREFIX_HITS = 8
    PREFIX_QUERIES = 9
    INTER_TOKEN_SUM = 10
    INTER_TOKEN_COUNT = 11
    PREEMPTIONS = 12
    TTFT_SUM = 13
    TTFT_COUNT = 14


ENGINE_GAUGES = 3
"""How many of the columns are gauges."""

ENGINE_DECIDING = 12
"""How many of the columns policies decide by. The others are shown to people: they are read off pages, which have them
anyway, and not asked of a Prometheus server, which would send tens of thousands of series more."""

ENGINE: dict[EngineColumn, Names] = {
    EngineColumn.RUNNING: ("vllm:num_requests_running",),
    EngineColumn.WAITING: ("vllm:num_requests_waiting",),
    EngineColumn.KV_USAGE: ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    EngineColumn.PROMPT_TOKENS: ("vllm:prompt_tokens_total",),
    EngineColumn.GENERATION_TOKENS: ("vllm:generation_tokens_total",),
    # What vLLM counts here it counts as prompts and in ``vllm:request_success_total`` as well, which is five series.
    EngineColumn.FINISHED: ("vllm:request_generation_tokens_count",),
    EngineColumn.INPUT_SUM: ("vllm:request_prompt_tokens_sum",),
    EngineColumn.OUTPUT_SUM: ("vllm:request_generation_tokens_sum",),
    EngineColumn.PREFIX_HITS: (
        "vllm:prefix_cache_hits_total",
        "vllm:gpu_prefix_cache_hits_total",
        "vllm:prefix_cache_hits",
    ),
    EngineColumn.PREFIX_QUERIES: (
        "vllm:prefix_cache_queries_total",
        "vllm:gpu_prefix_cache_queries_total",
        "vllm:prefix_cache_queries",
    ),
    EngineColumn.INTER_TOKEN_SUM: ("vllm:inter_token_latency_seconds_sum", "vllm:time_per_output_token_seconds_sum"),
    EngineColumn.INTER_TOKEN_COUNT: (
        "vllm:inter_token_latency_seconds_count",
        "vllm:time_per_output_token_seconds_count",
    ),
    EngineColumn.PREEMPTIONS: ("vllm:num_preemptions_total",),
    EngineColumn.TTFT_SUM: ("vllm:time_to_first_token_seconds_sum",),
    EngineColumn.TTFT_COUNT: ("vllm:time_to_first_token_seconds_count",),
}

ENGINE_ASKED: dict[EngineColumn, Names] = {
    column: names for column, names in ENGINE.items() if column < ENGINE_DECIDING
}
"""What a Prometheus server is asked of engines."""

WAITING_BY_REASON = "vllm:num_requests_waiting_by_reason"
"""Those that wait, by the label ``reason``: ``capacity`` for KV cache or a slot."""

CACHE_CONFIG = "vllm:cache_config_info"
"""Its labels say how large the KV cache is."""

CACHE_SIZES = ("kv_cache_size_tokens", "num_gpu_blocks", "block_size")
"""Those of them that do."""


class GatewayColumn(IntEnum):
    """Columns of a sample of one model at one gateway: gauges, then counters."""

    IN_FLIGHT = 0
    QUEUE_REQUESTS = 1
    QUEUE_BYTES = 2
    ARRIVALS = 3
    ARRIVED_BYTES = 4
    FAILED = 5


GATEWAY_GAUGES = 3
"""How many of the columns are gauges."""

GATEWAY: dict[GatewayColumn, Names] = {
    GatewayColumn.IN_FLIGHT: (
        "llm_d_epp_request_running",
        "inference_objective_running_requests",
        "inference_model_running_requests",
    ),
    GatewayColumn.QUEUE_REQUESTS: (
        "llm_d_epp_flow_control_queue_size",
        "inference_extension_flow_control_queue_size",
    ),
    GatewayColumn.QUEUE_BYTES: (
        "llm_d_epp_flow_control_queue_bytes",
        "inference_extension_flow_control_queue_bytes",
    ),
    GatewayColumn.ARRIVALS: (
        "llm_d_epp_request_total",
        "inference_objective_request_total",
        "inference_model_request_total",
    ),
    GatewayColumn.ARRIVED_BYTES: (
        "llm_d_epp_request_size_bytes_sum",
        "inference_objective_request_sizes_sum",
        "inference_model_request_sizes_sum",
    ),
    GatewayColumn.FAILED: (
        "llm_d_epp_request_error_total",
        "inference_objective_request_error_total",
        "inference_model_request_error_total",
    ),
}

TTFT_BUCKETS = "llm_d_epp_request_ttft_seconds_bucket"
TPOT_BUCKETS = "llm_d_epp_request_streaming_tpot_seconds_bucket"

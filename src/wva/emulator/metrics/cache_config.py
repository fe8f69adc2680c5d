"""The labels of ``vllm:cache_config_info``: what vLLM says of its KV cache."""

from collections.abc import Mapping

from wva.engine.memory import GPU_MEMORY_UTILIZATION
from wva.engine.server import BLOCK_TOKENS, Server
from wva.fleet.variant import EngineArguments

_UNSET = (
    *("cache_hit_alignment_tokens", "hash_block_size", "kv_cache_layout", "kv_cache_memory_bytes"),
    *("kv_offloading_size", "mamba_block_size", "mamba_page_size_padded", "num_cpu_blocks"),
    *("num_gpu_blocks_override", "prefix_match_unit", "skip_page_size_padded"),
)


def cache_config(
    server: Server, arguments: EngineArguments, kv_precision: str, prefix_caching: bool
) -> Mapping[str, str]:
    """Label values by name; what the engine model has no notion of is at vLLM's default."""
    utilization = arguments.gpu_memory_utilization
    labels = {
        **dict.fromkeys(_UNSET, "None"),
        "_block_size_resolved": "True",
        "block_size": str(BLOCK_TOKENS),
        "cache_dtype": "auto" if kv_precision == "bf16" else kv_precision,
        "effective_attention_block_size": str(BLOCK_TOKENS),
        "enable_mamba_shared_prefix_checkpoint": "False",
        "enable_prefix_caching": str(prefix_caching),
        "gpu_memory_utilization": str(GPU_MEMORY_UTILIZATION if utilization is None else utilization),
        "is_attention_free": "False",
        "kv_cache_dtype_skip_layers": "[]",
        "kv_cache_max_concurrency": str(server.kv_blocks * BLOCK_TOKENS / server.max_model_len),
        "kv_cache_size_tokens": str(server.kv_blocks * BLOCK_TOKENS),
        "kv_offloading_backend": "native",
        "kv_sharing_fast_prefill": "False",
        "mamba_cache_dtype": "auto",
        "mamba_cache_mode": "none",
        "mamba_ssm_cache_dtype": "float32",
        "num_gpu_blocks": str(server.kv_blocks + 1),
        "prefix_cache_retention_interval": "0",
        "prefix_caching_hash_algo": "sha256",
        "replayssm_buffer_len": "16",
        "sliding_window": str(server.window or None),
        "swa_bounded_replay": "True",
        "use_kda_recoverssm": "False",
        "use_replayssm": "False",
        "user_specified_block_size": "False",
    }
    return dict(sorted(labels.items()))

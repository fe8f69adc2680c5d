"""What servers show on /metrics."""

from pathlib import Path

REAL_VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 4.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 2.0
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 2.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0",model_name="m"} 1000.0
vllm:prefix_cache_queries_created{engine="0",model_name="m"} 1.795186611e+09
vllm:prefix_cache_hits_total{engine="0",model_name="m"} 250.0
vllm:num_preemptions_total{engine="0",model_name="m"} 3.0
vllm:prompt_tokens_total{engine="0",model_name="m"} 8295.0
vllm:generation_tokens_total{engine="0",model_name="m"} 1.7228e+04
vllm:request_success_total{engine="0",finished_reason="stop",model_name="m"} 30.0
vllm:request_success_total{engine="0",finished_reason="length",model_name="m"} 12.0
vllm:request_prompt_tokens_bucket{engine="0",le="+Inf",model_name="m"} 42.0
vllm:request_prompt_tokens_count{engine="0",model_name="m"} 42.0
vllm:request_prompt_tokens_sum{engine="0",model_name="m"} 8200.0
vllm:request_generation_tokens_count{engine="0",model_name="m"} 42.0
vllm:request_generation_tokens_sum{engine="0",model_name="m"} 17000.0
vllm:time_to_first_token_seconds_count{engine="0",model_name="m"} 46.0
vllm:time_to_first_token_seconds_sum{engine="0",model_name="m"} 9.2
vllm:inter_token_latency_seconds_count{engine="0",model_name="m"} 17100.0
vllm:inter_token_latency_seconds_sum{engine="0",model_name="m"} 342.0
vllm:cache_config_info{block_size="16",engine="0",kv_cache_size_tokens="40000",num_gpu_blocks="2500",note="a } b"} 1.0
"""

GATEWAY = """\
# TYPE inference_objective_request_total counter
inference_objective_request_total{model_name="m",target_model_name="m",priority="0"} 70.0
inference_objective_request_total{model_name="m",target_model_name="m",priority="1"} 30.0
inference_objective_request_total{model_name="alias",target_model_name="m",priority="0"} 11.0
inference_objective_request_total{model_name="other",target_model_name="",priority="0"} 5.0
inference_objective_request_sizes_sum{model_name="m",target_model_name="m"} 4000.0
inference_objective_request_sizes_count{model_name="m",target_model_name="m"} 100.0
inference_objective_request_error_total{model_name="m",target_model_name="m",error_code="429"} 2.0
inference_objective_running_requests{model_name="m"} 9.0
inference_extension_flow_control_queue_size{fairness_id="a",priority="0",target_model_name="m",model_name="m"} 3.0
inference_extension_flow_control_queue_size{fairness_id="b",priority="0",target_model_name="m",model_name="m"} 4.0
inference_extension_flow_control_queue_bytes{fairness_id="a",priority="0",target_model_name="m",model_name="m"} 800.0
llm_d_epp_request_ttft_seconds_bucket{model_name="m",target_model_name="m",le="0.1"} 50.0
llm_d_epp_request_ttft_seconds_bucket{model_name="m",target_model_name="m",le="0.5"} 90.0
llm_d_epp_request_ttft_seconds_bucket{model_name="m",target_model_name="m",le="+Inf"} 100.0
"""


def real_page() -> bytes | None:
    """What a real vLLM server showed under load; ``None`` where the file is not at hand."""
    path = Path(__file__).parents[3] / "shared/facts/vllm-0.32-metrics-under-load.txt"
    return path.read_bytes() if path.exists() else None

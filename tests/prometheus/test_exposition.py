"""What is read out of a page, by any of its names; and what is not believed."""

import math

import pytest

from tests.prometheus.pages import GATEWAY, REAL_VLLM, real_page
from wva.prometheus.exposition import engine_points, gateway_points
from wva.prometheus.families import EngineColumn, GatewayColumn
from wva.prometheus.points import UnbelievableError, engine_sample, gateway_samples, kv_capacity


def engine(page: str) -> dict[str, float]:
    columns = engine_sample(engine_points(page.encode()))
    return {column.name: columns[column] for column in EngineColumn}


def test_a_page_of_vllm() -> None:
    assert engine(REAL_VLLM) == {
        "RUNNING": 4,
        "WAITING": 2,
        "KV_USAGE": 0.25,
        "PROMPT_TOKENS": 8295,
        "GENERATION_TOKENS": 17228,
        "FINISHED": 42,
        "INPUT_SUM": 8200,
        "OUTPUT_SUM": 17000,
        "PREFIX_HITS": 250,
        "PREFIX_QUERIES": 1000,
        "INTER_TOKEN_SUM": 342,
        "INTER_TOKEN_COUNT": 17100,
        "PREEMPTIONS": 3,
        "TTFT_SUM": 9.2,
        "TTFT_COUNT": 46,
    }
    assert kv_capacity(engine_points(REAL_VLLM.encode())) == 40_000


def test_a_real_page_has_every_metric() -> None:
    page = real_page()
    if page is None:
        pytest.skip("the recorded page is not at hand")
    points = engine_points(page)
    sample = engine_sample(points)
    assert not any(math.isnan(value) for value in sample)
    assert (sample[EngineColumn.RUNNING], sample[EngineColumn.WAITING]) == (16, 44)
    assert kv_capacity(points) == 16384 * 128


@pytest.mark.parametrize(
    ("now", "before", "column"),
    [
        ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc", "KV_USAGE"),
        ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total", "PREFIX_HITS"),
        ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_hits", "PREFIX_HITS"),
        ("vllm:inter_token_latency_seconds_sum", "vllm:time_per_output_token_seconds_sum", "INTER_TOKEN_SUM"),
    ],
)
def test_older_names_are_read_and_newer_ones_count_where_both_are_there(now: str, before: str, column: str) -> None:
    assert engine(REAL_VLLM.replace(now, before)) == engine(REAL_VLLM)
    assert engine(f'{before}{{engine="0"}} 0.5\n{REAL_VLLM}') == engine(REAL_VLLM)


def test_older_servers_tell_their_cache_in_blocks() -> None:
    page = REAL_VLLM.replace('kv_cache_size_tokens="40000",', "")
    assert kv_capacity(engine_points(page.encode())) == 2500 * 16
    page = page.replace('num_gpu_blocks="2500"', 'num_gpu_blocks="None"')
    assert kv_capacity(engine_points(page.encode())) is None


def test_engines_behind_one_port_are_added_and_their_usages_averaged() -> None:
    second = REAL_VLLM.replace('engine="0"', 'engine="1"').replace("} 0.25", "} 0.75")
    both = engine(REAL_VLLM + second)
    assert (both["RUNNING"], both["FINISHED"], both["KV_USAGE"]) == (8, 84, 0.5)
    assert kv_capacity(engine_points((REAL_VLLM + second).encode())) == 80_000


def test_what_is_not_there_is_unknown() -> None:
    sample = engine("vllm:num_requests_running 1\n")
    assert sample["RUNNING"] == 1
    assert all(math.isnan(value) for name, value in sample.items() if name != "RUNNING")


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<html><body>not found</body></html>\n",
        REAL_VLLM.rstrip("\n"),
        REAL_VLLM[: REAL_VLLM.index("waiting{") + 20],
        REAL_VLLM[: REAL_VLLM.index("waiting{") + 20] + "\n",
        REAL_VLLM.replace("} 4.0", "} NaN"),
        REAL_VLLM.replace("} 4.0", "} +Inf"),
        REAL_VLLM.replace("} 8295.0", "} -1"),
        REAL_VLLM.replace("} 0.25", "} 17"),
        REAL_VLLM.replace("} 4.0", "} four"),
        "\x00\xff\n" + REAL_VLLM.replace("} 4.0", "}"),
    ],
)
def test_what_cannot_be_so_is_not_believed(page: str) -> None:
    with pytest.raises(UnbelievableError) as error:
        engine_sample(engine_points(page.encode("latin-1")))
    assert str(error.value)


def test_garbage_among_what_is_not_needed_changes_nothing() -> None:
    assert engine("\x00 ???\nsomething_else{ nan\n" + REAL_VLLM) == engine(REAL_VLLM)


def test_a_gateway_by_model() -> None:
    samples = gateway_samples(gateway_points(GATEWAY.encode()))
    assert samples.keys() == {"m", "other"}
    model = samples["m"].columns
    assert {column.name: model[column] for column in GatewayColumn} == {
        "IN_FLIGHT": 9,
        "QUEUE_REQUESTS": 7,
        "QUEUE_BYTES": 800,
        "ARRIVALS": 111,
        "ARRIVED_BYTES": 4000,
        "FAILED": 2,
    }
    assert samples["m"].ttft == {0.1: 50, 0.5: 90, math.inf: 100}
    assert samples["m"].tpot == {}
    assert samples["other"].columns[GatewayColumn.ARRIVALS] == 5
    assert math.isnan(samples["other"].columns[GatewayColumn.QUEUE_REQUESTS])


def test_a_gateway_that_shows_old_and_new_names_counts_once() -> None:
    new = GATEWAY.replace("inference_objective_request_total", "llm_d_epp_request_total")
    (both, alone) = (gateway_samples(gateway_points(page.encode()))["m"] for page in (new + GATEWAY, GATEWAY))
    assert both.columns[GatewayColumn.ARRIVALS] == alone.columns[GatewayColumn.ARRIVALS]

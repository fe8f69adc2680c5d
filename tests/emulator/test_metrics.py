"""/metrics beside that of a real vLLM 0.32 under load, family by family, and what Prometheus thinks of it.

The recorded page is of a text model on a CPU. Nothing of it is left out. What differs by nature: the values, the
model's name, which routes were asked for, and the cache's configuration (a GPU's block has 16 tokens, and so on).
"""

import asyncio
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric

from tests.emulator.pages import described, families, loaded_page
from tests.emulator.servers import http, serving, value, values
from wva.fleet.variant import EngineArguments

RECORDED = Path(__file__).parent / "vllm-0.32-metrics-under-load.txt"


@pytest.fixture(scope="module")
def recorded() -> dict[str, Metric]:
    return families(RECORDED.read_text())


@pytest.fixture(scope="module")
def emulated() -> dict[str, Metric]:
    async def page() -> str:
        async with serving(max_model_len=512) as server, http(server) as session:
            return await loaded_page(session)

    return families(asyncio.run(page()))


def test_the_families_are_the_same(recorded: dict[str, Metric], emulated: dict[str, Metric]) -> None:
    assert sorted(emulated) == sorted(recorded)


@pytest.mark.parametrize("name", sorted(families(RECORDED.read_text())))
def test_a_family_is_the_same(name: str, recorded: dict[str, Metric], emulated: dict[str, Metric]) -> None:
    assert described(emulated[name]) == described(recorded[name])


async def test_the_numbers_are_those_of_the_load() -> None:
    async with serving(prompt_tokens_details=True) as server, http(server) as session:
        asked = {"prompt": [1] * 40, "max_tokens": 30, "ignore_eos": True}
        await asyncio.gather(*(session.post("/v1/completions", json={**asked, "seed": i}) for i in range(12)))
        seen = await values(session)

    def get(name: str) -> float:
        return seen[f"vllm:{name}", frozenset()]

    assert get("prompt_tokens_total") == get("request_prompt_tokens_sum") == 480
    assert get("generation_tokens_total") == get("request_generation_tokens_sum") == 360
    assert get("request_params_max_tokens_sum") == 360
    assert get("inter_token_latency_seconds_count") == 12 * 29
    assert get("iteration_tokens_total_sum") == 840
    assert get("time_to_first_token_seconds_count") == get("e2e_request_latency_seconds_count") == 12
    phases = get("request_prefill_time_seconds_sum") + get("request_decode_time_seconds_sum")
    assert get("request_inference_time_seconds_sum") == pytest.approx(phases)
    whole = phases + get("request_queue_time_seconds_sum")
    assert get("e2e_request_latency_seconds_sum") == pytest.approx(whole)
    assert get("request_decode_time_seconds_sum") == pytest.approx(get("inter_token_latency_seconds_sum"))


async def test_pressure_on_the_cache_shows() -> None:
    # 663 blocks in all, and twelve sequences that grow to 75 blocks each.
    engine = EngineArguments(max_num_seqs=64, max_num_batched_tokens=1024, gpu_memory_utilization=0.8)
    async with serving(accelerator="L4", engine=engine, speed=100.0) as server, http(server) as session:
        asked = {"max_tokens": 1100, "ignore_eos": True}
        running = [
            asyncio.create_task(session.post("/v1/completions", json={**asked, "prompt": [i] * 100})) for i in range(12)
        ]
        most = 0.0
        while not all(task.done() for task in running):
            most = max(most, await value(session, "kv_cache_usage_perc"))
            await asyncio.sleep(0.001)
        assert {task.result().status for task in running} == {200}
        assert most > 0.9
        assert await value(session, "num_preemptions_total") >= 1
        assert await value(session, "request_num_preemptions_sum") == await value(session, "num_preemptions_total")


async def test_the_cache_is_described_as_vllm_does() -> None:
    async with serving() as server, http(server) as session:
        async with session.get("/metrics") as page:
            (sample,) = families(await page.text())["vllm:cache_config_info"].samples
        blocks = server.core.driver.engine.server.kv_blocks
        # One block is nobody's.
        assert int(sample.labels["num_gpu_blocks"]) == blocks + 1
        assert int(sample.labels["block_size"]) == 16
        assert int(sample.labels["kv_cache_size_tokens"]) == 16 * blocks


def complaints(page: str) -> set[str]:
    found = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True, check=False)
    return lines(found.stdout) | lines(found.stderr)


def lines(text: str) -> set[str]:
    return set(text.splitlines())


async def test_promtool_finds_nothing_but_vllms_own_names() -> None:
    async with serving() as server, http(server) as session:
        page = await loaded_page(session)
    assert complaints(page) <= complaints(RECORDED.read_text())
    plain = without_vllms_names(page.splitlines())
    assert complaints("".join(f"{line}\n" for line in plain)) == set()


def without_vllms_names(page: Iterable[str]) -> Iterable[str]:
    """The page with the colon and the one histogram that vLLM calls a total renamed: what promtool objects to."""
    return (line.replace("vllm:iteration_tokens_total", "vllm_iteration").replace("vllm:", "vllm_") for line in page)

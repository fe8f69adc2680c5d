"""Sleep, pause and the end, as a real server was seen to do it."""

import asyncio
import json
import time

import aiohttp
import pytest
from openai import APIStatusError

from tests.emulator.servers import MODEL, client, http, serving, value
from tests.waiting import until

LONG = {"prompt": "x", "max_tokens": 100_000, "ignore_eos": True, "stream": True}
SHORT = {"prompt": "y", "max_tokens": 3, "ignore_eos": True}


async def events(response: aiohttp.ClientResponse) -> list[str]:
    text = await response.text()
    return [line.removeprefix("data: ") for line in text.split("\n\n") if line]


async def test_a_sleeping_server_holds_requests_silently() -> None:
    async with serving() as server, http(server) as session:
        async with session.post("/v1/completions", json=LONG) as running:
            await running.content.readany()
            async with session.post("/sleep?level=1") as slept:
                assert await slept.json() == {"status": "sleeping"}
            *_, last, done = await events(running)
            assert json.loads(last)["choices"][0]["finish_reason"] == "abort"
            assert done == "[DONE]"
        async with session.get("/is_sleeping") as asked:
            assert await asked.text() == '{"is_sleeping":true}'
        held = asyncio.create_task(session.post("/v1/completions", json=SHORT))
        await asyncio.sleep(0.2)
        assert not held.done()
        assert await value(session, "num_requests_waiting") == 0
        assert await value(session, "num_requests_running") == 0
        assert await value(session, "kv_cache_usage_perc") == 0
        assert await value(session, "engine_sleep_state", sleep_state="awake") == 0
        assert await value(session, "engine_sleep_state", sleep_state="weights_offloaded") == 1
        assert await value(session, "request_success_total", finished_reason="abort") == 1
        async with session.get("/health") as health:
            assert health.status == 200
        await session.post("/wake_up")
        answer = await held
        assert answer.status == 200
        assert await value(session, "engine_sleep_state", sleep_state="awake") == 1
        # The time asleep is part of the time to the first token: 0.2 s at ten times the speed.
        assert await value(session, "time_to_first_token_seconds_sum") > 2


async def test_deep_sleep_has_its_own_state_and_a_wrong_level_is_refused() -> None:
    async with serving(wake_up_s=3.0) as server, http(server) as session:
        await session.post("/sleep?level=2")
        assert await value(session, "engine_sleep_state", sleep_state="discard_all") == 1
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await session.post("/wake_up")
        assert loop.time() - begun >= 0.3
        async with session.post("/sleep?level=3") as refused:
            assert refused.status == 400


async def test_a_client_that_leaves_a_sleeping_server_is_forgotten() -> None:
    async with serving() as server, http(server) as session:
        await session.post("/sleep")
        with pytest.raises(asyncio.TimeoutError):
            async with session.post("/v1/completions", json=SHORT, timeout=aiohttp.ClientTimeout(0.1)):
                pass
        for _ in range(100):
            if not server.core.under_way:
                break
            await asyncio.sleep(0.02)
        await session.post("/wake_up")
        assert await value(session, "prompt_tokens_total") == 0
        assert await value(session, "request_success_total", finished_reason="abort") == 0


FAMILIES_OF_THE_ENDED = (
    *("e2e_request_latency_seconds", "request_queue_time_seconds", "request_inference_time_seconds"),
    *("request_prefill_time_seconds", "request_decode_time_seconds", "request_time_per_output_token_seconds"),
    *("request_prompt_tokens", "request_generation_tokens", "request_prefill_kv_computed_tokens"),
    *("request_params_max_tokens", "request_params_n", "request_max_num_generation_tokens"),
    *("request_num_preemptions", "time_to_first_token_seconds"),
)


async def test_what_a_pause_drops_is_counted_as_ended() -> None:
    async with (
        serving() as server,
        http(server) as session,
        session.post("/v1/completions", json=LONG) as running,
    ):
        await running.content.readany()
        await session.post("/pause")
        assert await value(session, "request_success_total", finished_reason="abort") == 1
        assert {await value(session, f"{name}_count") for name in FAMILIES_OF_THE_ENDED} == {1}
        tokens = await value(session, "request_generation_tokens_sum")
        # Steps that are under way when it comes go to their end; on a machine that lags behind there are some.
        assert 0 < tokens <= await value(session, "generation_tokens_total")
        whole_s = await value(session, "e2e_request_latency_seconds_sum")
        parts = [await value(session, f"request_{part}_time_seconds_sum") for part in ("queue", "inference")]
        assert sum(parts) == pytest.approx(whole_s)
        each_s = await value(session, "request_time_per_output_token_seconds_sum")
        assert each_s * (tokens - 1) == pytest.approx(await value(session, "request_decode_time_seconds_sum"))


async def test_what_is_dropped_before_its_first_token_counts_as_vllm_has_it() -> None:
    async with serving() as server, http(server) as session:
        await session.post("/pause?mode=keep")
        held = asyncio.create_task(session.post("/v1/completions", json=SHORT))
        await until(lambda: bool(server.core.under_way))
        await session.post("/pause")
        answer = await (await held).json()
        assert answer["choices"][0]["finish_reason"] == "abort"
        assert {await value(session, f"{name}_count") for name in FAMILIES_OF_THE_ENDED} == {1}
        whole_s = await value(session, "e2e_request_latency_seconds_sum")
        assert await value(session, "time_to_first_token_seconds_sum") == whole_s
        assert await value(session, "request_generation_tokens_sum") == 0
        assert await value(session, "request_prompt_tokens_sum") == 1
        assert await value(session, "prompt_tokens_total") == 0
        # From the start of the host: vLLM takes what it was never told for 0.
        assert await value(session, "request_prefill_time_seconds_sum") == pytest.approx(time.monotonic(), abs=5)


async def test_pausing_freezes_and_resuming_goes_on() -> None:
    async with (
        serving() as server,
        http(server) as session,
        session.post("/v1/completions", json={**LONG, "max_tokens": 500}) as running,
    ):
        await running.content.readany()
        async with session.post("/pause?mode=keep") as paused:
            assert await paused.json() == {"status": "paused"}
        held = asyncio.create_task(session.post("/v1/completions", json=SHORT))
        await asyncio.sleep(0.1)
        before = await value(session, "generation_tokens_total")
        await asyncio.sleep(0.1)
        assert await value(session, "generation_tokens_total") == before < 500
        assert await value(session, "num_requests_running") == 1
        assert await value(session, "num_requests_waiting") == 0
        async with session.get("/is_paused") as asked:
            assert await asked.text() == '{"is_paused":true}'
        async with session.post("/resume") as resumed:
            assert await resumed.json() == {"status": "resumed"}
        *_, last, _ = await events(running)
        assert json.loads(last)["choices"][0]["finish_reason"] == "length"
        assert (await held).status == 200
        assert await value(session, "generation_tokens_total") == 503


async def test_an_answer_goes_on_after_a_pause_in_which_nothing_came() -> None:
    async with (
        serving() as server,
        http(server) as session,
        session.post("/v1/completions", json={**LONG, "max_tokens": 300}) as running,
    ):
        await running.content.readany()
        await session.post("/pause?mode=keep")
        await asyncio.sleep(0.1)
        await session.post("/resume")
        *_, last, _ = await events(running)
        assert json.loads(last)["choices"][0]["finish_reason"] == "length"


async def test_pausing_can_wait_for_what_is_under_way_or_drop_it() -> None:
    async with serving() as server, http(server) as session:
        running = asyncio.create_task(session.post("/v1/completions", json={**SHORT, "max_tokens": 100}))
        await asyncio.sleep(0.02)
        await session.post("/pause?mode=wait")
        assert server.core.driver.engine.gauges(server.core.clock.now_ps())[0] == 0
        assert (await running).status == 200
        await session.post("/resume")
        async with session.post("/v1/completions", json=LONG) as dropped:
            await dropped.content.readany()
            await session.post("/pause")
            *_, last, _ = await events(dropped)
            assert json.loads(last)["choices"][0]["finish_reason"] == "abort"
        async with session.post("/pause?mode=never") as refused:
            assert refused.status == 400


async def test_sleeping_through_a_pause_wakes_only_after_both_have_ended() -> None:
    async with serving() as server, http(server) as session:
        await session.post("/pause")
        await session.post("/sleep")
        held = asyncio.create_task(session.post("/v1/completions", json=SHORT))
        await session.post("/wake_up")
        await asyncio.sleep(0.05)
        assert not held.done()
        await session.post("/resume")
        assert (await held).status == 200


async def test_the_end_cuts_answers_at_once_by_default() -> None:
    async with serving() as server, http(server) as session:
        async with session.post("/v1/completions", json=LONG) as running:
            await running.content.readany()
            whole = asyncio.create_task(session.post("/v1/completions", json={**LONG, "stream": False}))
            await asyncio.sleep(0.05)
            ending = asyncio.create_task(server.stop())
            *_, error, done = await events(running)
            assert running.status == 200
            assert json.loads(error)["error"]["code"] == 500
            assert done == "[DONE]"
            assert (await whole).status == 500
            await ending
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("/health")


async def test_draining_finishes_answers_and_refuses_new_ones_with_500() -> None:
    async with (
        serving(shutdown_timeout_s=60.0) as server,
        http(server) as session,
        client(server) as api,
        session.post("/v1/completions", json={**LONG, "max_tokens": 400}) as running,
    ):
        await running.content.readany()
        ending = asyncio.create_task(server.stop())
        await asyncio.sleep(0.05)
        async with session.get("/health") as health:
            assert health.status == 200
        with pytest.raises(APIStatusError) as refused:
            await api.completions.create(model=MODEL, prompt="x")
        assert refused.value.status_code == 500
        assert "cannot schedule new futures after shutdown" in refused.value.message
        *_, last, _ = await events(running)
        assert json.loads(last)["choices"][0]["finish_reason"] == "length"
        await asyncio.wait_for(ending, 5)


@pytest.mark.parametrize("hurried", [False, True])
async def test_draining_ends_with_its_timeout_or_when_told_to_hurry(hurried: bool) -> None:
    timeout = 600.0 if hurried else 3.0
    async with (
        serving(shutdown_timeout_s=timeout) as server,
        http(server) as session,
        session.post("/v1/completions", json=LONG) as running,
    ):
        await running.content.readany()
        hurry = asyncio.Event()
        ending = asyncio.create_task(server.stop(hurry))
        await asyncio.sleep(0.1)
        assert not ending.done()
        if hurried:
            hurry.set()
        *_, error, _ = await events(running)
        assert json.loads(error)["error"]["code"] == 500
        await asyncio.wait_for(ending, 5)

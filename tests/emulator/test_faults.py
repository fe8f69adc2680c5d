"""Every fault, by option and while the server runs."""

import asyncio
import json
import math
from typing import Any

import aiohttp
import openai
import pytest

from tests.emulator.servers import MODEL, client, http, serving, value
from wva.emulator.faults import Faults, Garbage, Hang

ASKED = {"prompt": "x", "max_tokens": 10, "ignore_eos": True}


async def put(session: aiohttp.ClientSession, **faults: Any) -> None:
    async with session.patch("/emulator/faults", json=faults) as answer:
        assert answer.status == 200
        told = await answer.json()
        assert all(told[name] == wanted for name, wanted in faults.items())


async def test_an_error_comes_in_the_stream_under_status_200() -> None:
    faults = Faults(error_rate=1.0, error_after_tokens=3)
    async with serving(faults=faults) as server, http(server) as session, client(server) as api:
        async with session.post("/v1/completions", json={**ASKED, "stream": True}) as answer:
            assert answer.status == 200
            told = [json.loads(line[6:]) for line in (await answer.text()).split("\n\n")[:-2]]
        assert sum(len(chunk["choices"][0]["text"]) for chunk in told[:-1]) == 12
        assert told[-1]["error"]["code"] == 500
        with pytest.raises(openai.InternalServerError):
            await api.completions.create(model=MODEL, prompt="x", max_tokens=2)
        with pytest.raises(openai.APIError, match="EngineCore"):
            async for _ in await api.completions.create(model=MODEL, prompt="x", max_tokens=5, stream=True):
                pass
        assert await value(session, "request_success_total", finished_reason="error") == 3
        assert await value(session, "num_requests_running") == 0
        await put(session, error_rate=0.0)
        await api.completions.create(model=MODEL, prompt="x", max_tokens=2)


async def test_only_part_of_requests_may_fail() -> None:
    async with serving(faults=Faults(error_rate=0.5)) as server, http(server) as session:
        answers = await asyncio.gather(*(session.post("/v1/completions", json=ASKED) for _ in range(40)))
        failed = sum(answer.status == 500 for answer in answers)
        assert 8 <= failed <= 32


async def test_slow_tokens() -> None:
    async with serving() as server, http(server) as session:
        await (await session.post("/v1/completions", json=ASKED)).read()
        before = await value(session, "e2e_request_latency_seconds_sum")
        await put(session, slow_tokens=20.0)
        await (await session.post("/v1/completions", json=ASKED)).read()
        after = await value(session, "e2e_request_latency_seconds_sum") - before
        # The prefix cache makes no difference to a prompt of one token.
        assert after == pytest.approx(20 * before, rel=0.01)


async def test_a_hung_engine_answers_health_and_metrics_only() -> None:
    async with serving() as server, http(server) as session:
        await put(session, hang=Hang.ENGINE)
        held = asyncio.create_task(session.post("/v1/completions", json=ASKED))
        await asyncio.sleep(0.1)
        assert not held.done()
        async with session.get("/health") as health:
            assert health.status == 200
        assert await value(session, "num_requests_waiting") == 0
        await put(session, hang=None)
        assert (await held).status == 200


async def test_a_hung_server_answers_nothing_but_its_own_endpoint() -> None:
    async with serving(faults=Faults(hang=Hang.SERVER)) as server, http(server) as session:
        for path in ("/health", "/metrics"):
            with pytest.raises(asyncio.TimeoutError):
                await session.get(path, timeout=aiohttp.ClientTimeout(0.1))
        held = asyncio.create_task(session.get("/health"))
        await asyncio.sleep(0.05)
        await put(session, hang=None)
        assert (await held).status == 200


async def test_garbage_metrics() -> None:
    async with serving(faults=Faults(metrics=Garbage.NAN)) as server, http(server) as session:
        assert math.isnan(await value(session, "num_requests_running"))
        await put(session, metrics=Garbage.TEXT)
        async with session.get("/metrics") as page:
            assert page.status == 200
            assert page.content_type == "text/html"
        await put(session, metrics=Garbage.EMPTY)
        async with session.get("/metrics") as page:
            assert (page.status, await page.text()) == (200, "")
        await put(session, metrics=None)
        assert await value(session, "num_requests_running") == 0


async def test_a_crash_after_a_time() -> None:
    crashed = asyncio.Event()
    async with serving(crashed.set, faults=Faults(crash_after_s=1.0)) as server, http(server) as session:
        await session.get("/health")
        assert not crashed.is_set()
        await asyncio.wait_for(crashed.wait(), 5)


async def test_a_crash_can_be_called_off_and_called_for() -> None:
    crashed = asyncio.Event()
    async with serving(crashed.set, faults=Faults(crash_after_s=2.0)) as server, http(server) as session:
        await put(session, crash_after_s=None)
        await asyncio.sleep(0.3)
        assert not crashed.is_set()
        await put(session, crash_after_s=0.0)
        await asyncio.wait_for(crashed.wait(), 5)


async def test_a_crash_with_the_first_token_of_a_request() -> None:
    crashed = asyncio.Event()
    async with serving(crashed.set, faults=Faults(crash_after_requests=2)) as server, http(server) as session:
        await (await session.post("/v1/completions", json=ASKED)).read()
        await asyncio.sleep(0.05)
        assert not crashed.is_set()
        async with session.post("/v1/completions", json={**ASKED, "max_tokens": 50_000, "stream": True}) as cut:
            assert b"choices" in await cut.content.readany()
            await asyncio.wait_for(crashed.wait(), 5)


async def test_wrong_faults_are_refused_and_change_nothing() -> None:
    async with serving() as server, http(server) as session:
        for wrong in ({"slow_tokens": 0}, {"hang": "maybe"}, {"fire": True}, {"error_rate": 2}):
            async with session.patch("/emulator/faults", json=wrong) as answer:
                assert answer.status == 400
        async with session.get("/emulator/faults") as answer:
            assert Faults(**await answer.json()) == Faults()
        await put(session, slow_tokens=2.0)
        async with session.put("/emulator/faults", json={}) as answer:
            assert (await answer.json())["slow_tokens"] == 1.0

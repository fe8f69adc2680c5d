"""The driver against real servers: it never waits for answers, and sees what becomes of each request."""

import asyncio
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from tests.gateway.upstream import (
    Behaviour,
    ModelServer,
    answers,
    begin,
    breaks,
    event,
    running,
    stops_short,
    too_busy,
    vanishes,
    waits,
)
from tests.workload.driver.test_prompts import workload
from wva.engine.batch.state import PICOSECONDS
from wva.fleet.errors import UserError
from wva.workload.driver.drive import DriveSettings, Progress, drive, list_models
from wva.workload.driver.seen import Seen
from wva.workload.merge import Workload


def requests_at(*seconds: float) -> Workload:
    made = workload(*[5 for _ in seconds])
    made.arrival_ps[:] = np.array([round(second * PICOSECONDS) for second in seconds])
    return made


async def driven(requests: Workload, server: ModelServer, **settings: Any) -> Seen:
    return await drive(requests, DriveSettings(server.url, **settings), asyncio.Event())


async def test_arrivals_never_wait_for_answers() -> None:
    async with running(waits) as server:
        task = asyncio.create_task(driven(requests_at(*[0.01 * n for n in range(20)]), server))
        while server.at_once < 20:
            await asyncio.sleep(0.005)
        server.gate.set()
        seen = await task
    assert seen.outcome == ["completed"] * 20
    # None was sent before its time, and its answer came after it was sent.
    assert np.all(seen.sent_s >= seen.due_s)
    assert np.all(seen.first_s >= seen.sent_s)
    assert np.all(seen.end_s >= seen.first_s)
    assert len(seen.lateness_s) == 20


async def test_speed_brings_the_arrivals_closer() -> None:
    async with running() as server:
        seen = await driven(requests_at(0, 1, 2), server, speed=20.0)
    assert seen.due_s.tolist() == [0, 0.05, 0.1]
    assert seen.tokens.tolist() == [3, 3, 3]


async def streams_with_usage(_: ModelServer, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    answer = await begin(request)
    await answer.write(event("two tokens at once"))
    await answer.write(b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}}\n\n')
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def errs(_: ModelServer, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    answer = await begin(request)
    await answer.write(b'data: {"error":{"message":"engine died","code":500}}\n\n')
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def test_the_tokens_of_an_answer_are_those_of_its_usage() -> None:
    async with running(streams_with_usage) as server:
        assert (await driven(requests_at(0), server)).tokens.tolist() == [9]


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (answers, "completed"),
        (too_busy, "http_503"),
        (breaks, "broken"),
        (stops_short, "broken"),
        (errs, "broken"),
        (vanishes, "connection"),
        (waits, "timeout"),
    ],
)
async def test_what_became_of_a_request(behaviour: Behaviour, outcome: str) -> None:
    async with running(behaviour) as server:
        seen = await driven(requests_at(0), server, timeout_s=0.3)
    assert seen.outcome == [outcome]
    assert np.isnan(seen.first_s[0]) == (outcome not in ("completed", "broken"))


async def test_nobody_there() -> None:
    server = ModelServer(answers, url="http://127.0.0.1:9")
    assert (await driven(requests_at(0), server)).outcome == ["connection"]
    with pytest.raises(UserError, match="cannot be reached"):
        await list_models(DriveSettings(server.url))


async def test_stopped_it_tells_of_what_was_sent() -> None:
    async with running(waits) as server:
        stop, told = asyncio.Event(), list[Progress]()
        task = asyncio.create_task(drive(requests_at(0, 0, 60), DriveSettings(server.url), stop, told.append))
        while server.at_once < 2:
            await asyncio.sleep(0.005)
        stop.set()
        seen = await task
        assert seen.outcome == ["incomplete"] * 2
        assert (told[-1].sent, told[-1].ended, told[-1].failed) == (2, 2, 2)
        while server.at_once:
            await asyncio.sleep(0.005)

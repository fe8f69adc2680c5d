"""Looking after one replica."""

import asyncio
from typing import cast

import pytest

from wva.control.clock import SystemClock
from wva.local.probe import Answer, Prober, Verdict
from wva.local.schema import Probe
from wva.local.timing import Timing
from wva.local.watch import Watch

WAITS = Timing(
    start_deadline_s=10.0,
    drain_deadline_s=10.0,
    stop_grace_s=10.0,
    check_s=0.001,
    hung_after_s=10.0,
    kill_wait_s=10.0,
    least_delay_s=10.0,
)


class SlowServer:
    """Shows no counters, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def engine(self, url: str) -> None:
        del url

    async def ask(self, url: str, probe: Probe, model: str) -> Answer:
        del url, probe, model
        self.asked.set()
        return await self.answer


@pytest.mark.parametrize("turns", range(6))
async def test_one_that_is_left_off_as_an_answer_comes_looks_no_longer(turns: int) -> None:
    server = SlowServer()
    watch = Watch(
        cast(Prober, server),
        SystemClock(),
        WAITS,
        url="http://127.0.0.1:1",
        model="m",
        probe=Probe.COMPLETIONS,
        has_requests=lambda: True,
    )
    looking = asyncio.create_task(watch.until_hung())
    await server.asked.wait()
    server.answer.set_result(Answer(Verdict.SERVED, ""))
    for _ in range(turns):
        await asyncio.sleep(0)
    looking.cancel()
    done, _ = await asyncio.wait((looking,), timeout=5)
    assert done
    assert looking.cancelled()

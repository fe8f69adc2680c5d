"""The loop on a real Prometheus that scrapes real servers, and that stops under it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.control.virtual import MemoryBody
from tests.prometheus.pages import GATEWAY, REAL_VLLM
from tests.prometheus.servers import prometheus, serving, showing
from tests.record.threshold import Threshold
from tests.waiting import free_port
from wva.control.clock import SystemClock
from wva.control.journal import LiveJournal
from wva.control.loop import Loop
from wva.control.seams import FleetState
from wva.control.settings import LoopSettings
from wva.fleet.observation import Traffic
from wva.fleet.tick import Tick, TickResult
from wva.prometheus.connection import Connection
from wva.prometheus.server import PROMETHEUS, PrometheusServer
from wva.record.problems import Problems
from wva.record.reader import Journal
from wva.record.replay import replay


@dataclass
class Scraped(MemoryBody):
    """A fleet of which every instance is at one address."""

    url: str = ""

    async def state(self) -> FleetState:
        state = await super().state()
        return replace(state, endpoints=tuple(replace(one, url=self.url) for one in state.endpoints))


def waiting(tick: Tick) -> float | None:
    """What the first instance says of its queue, and how old that is."""
    assert tick.observation is not None
    metrics = tick.observation.variants[0].replicas[0].instances[0].metrics
    return None if metrics is None else metrics.waiting


def flow(tick: Tick) -> Traffic | None:
    """What the gateway says."""
    assert tick.observation is not None
    return tick.observation.models[0].traffic


def age(tick: Tick) -> float:
    assert tick.observation is not None
    metrics = tick.observation.variants[0].replicas[0].instances[0].metrics
    assert metrics is not None
    return metrics.age_s


@pytest.mark.slow
async def test_the_loop_runs_on_a_prometheus_and_goes_on_without(tmp_path: Path) -> None:
    port = free_port()
    problems = Problems()
    async with (
        serving(showing(REAL_VLLM)) as engine,
        serving(showing(GATEWAY.replace('"m"', '"llama"'))) as gateway,
        PrometheusServer(Connection(f"http://127.0.0.1:{port}"), SystemClock(), problems=problems) as server,
    ):
        loop: Loop[Any] = Loop(
            Scraped(url=engine),
            server,
            Threshold(),
            SystemClock(),
            settings=LoopSettings(interval_s=0.2),
            journal=LiveJournal(tmp_path / "journals", Threshold()),
            problems=problems,
        )

        async def until(condition: Callable[[Tick], object]) -> Tick:
            async with asyncio.timeout(40):
                while not (loop.history and condition(loop.history[-1])):
                    await asyncio.sleep(0.05)
            return loop.history[-1]

        running = asyncio.create_task(loop.run())
        try:
            blind = await until(lambda tick: tick.number >= 3)
            assert (waiting(blind), blind.result) == (None, TickResult.APPLIED)
            assert PROMETHEUS in blind.problems
            jobs = {"engines": [engine], "gateway": [gateway]}
            async with prometheus(tmp_path / "p", jobs, port):
                # The gateway may be scraped later than the engines.
                seen = await until(lambda tick: waiting(tick) == 2 and flow(tick) is not None and not tick.problems)
                traffic = flow(seen)
                assert traffic is not None
                assert (traffic.arrivals_total, traffic.queue_requests) == (111, 7)
            stopped = await until(lambda tick: PROMETHEUS in tick.problems)
            later = await until(lambda tick: tick.number >= stopped.number + 5)
            # What was seen last grows old, and says so.
            assert age(later) > age(stopped) + 0.5
            assert later.result is TickResult.APPLIED
            async with prometheus(tmp_path / "p", jobs, port):
                await until(lambda tick: not tick.problems and age(tick) < 0.5)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    (path,) = (tmp_path / "journals").glob("*.journal")
    with Journal(path) as journal:
        # The turn that was cancelled may have been recorded by then.
        assert len(journal) - loop.history[-1].number in (0, 1)
        assert replay(journal).equal

"""Faults that need a whole fleet, each tried for real through the gateway with clients."""

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.live.fleets import descendants, fleet, living, phases, until_ready
from tests.live.prometheus import prometheus_of
from tests.waiting import free_port, until
from wva.fleet.tick import Tick
from wva.live.fleet import LiveRun
from wva.record.reader import Journal
from wva.record.replay import replay

pytestmark = pytest.mark.slow


def server_of(run: LiveRun, name: str) -> int:
    """Process id of a replica's model server."""
    replica = next(replica for replica in run.body.replicas if replica.id == name)
    assert replica.process is not None
    (server,) = descendants(replica.process.keeper)
    return server


async def change_faults(run: LiveRun, name: str, **faults: Any) -> None:
    """Have an emulated replica misbehave."""
    replica = next(replica for replica in run.body.replicas if replica.id == name)
    async with ClientSession() as http, http.patch(f"{replica.url}/emulator/faults", json=faults) as answer:
        assert answer.status == 200


async def turns(run: LiveRun, condition: Callable[[Tick], object]) -> Tick:
    """The first turn from now on of which that is so."""
    seen = len(run.loop.history)
    await until(lambda: any(condition(tick) for tick in list(run.loop.history)[seen:]))
    return next(tick for tick in list(run.loop.history)[seen:] if condition(tick))


async def test_a_replica_killed_in_the_middle_of_a_stream(tmp_path: Path) -> None:
    async with living(fleet(lowest=2, startup="5s"), tmp_path) as (run, client):
        await until_ready(run, 2)
        begun = [asyncio.Event() for _ in range(4)]
        streams = [asyncio.create_task(client.stream(2000, event)) for event in begun]
        for event in begun:
            await event.wait()
        hit = next(replica.id for replica in run.body.replicas if _in_flight(run, replica.id))
        os.kill(server_of(run, hit), signal.SIGKILL)
        await until(lambda: phases(run)[hit] == "starting")
        # From then on it is out of routing, so nobody else notices.
        answers = [await client.ask() for _ in range(5)]
        assert [status for status, _ in answers] == [200] * 5
        texts = await asyncio.gather(*streams)
        broken = [text for text in texts if "upstream_broken" in text]
        whole = [text for text in texts if text.rstrip().endswith("data: [DONE]")]
        # Whoever was there is told so, in the stream; nobody takes a part for the whole.
        assert 1 <= len(broken) <= 3
        assert len(broken) + len(whole) == 4
        await until_ready(run, 2)
        assert run.watch.now().models[0].failed == len(broken)


async def test_a_hung_replica_is_replaced_and_requests_go_elsewhere(tmp_path: Path) -> None:
    spec = fleet(lowest=2, startup="5s", replicas="check: 5s\n  hung_after: 20s", gateway=", stall_timeout: 60s")
    async with living(spec, tmp_path) as (run, client):
        await until_ready(run, 2)
        begun = asyncio.Event()
        stream = asyncio.create_task(client.stream(5000, begun))
        await begun.wait()
        hung = next(one.id for one in run.body.replicas if _in_flight(run, one.id))
        before = server_of(run, hung)
        await change_faults(run, hung, hang="server")
        await until(lambda: phases(run)[hung] == "starting")
        reason = next(one.reason for one in run.body.replicas if one.id == hung)
        assert reason is not None
        assert "no answer" in reason
        assert "upstream_broken" in await stream
        assert [(await client.ask())[0] for _ in range(3)] == [200] * 3
        await until_ready(run, 2)
        assert server_of(run, hung) != before


@pytest.mark.parametrize("garbage", ["nan", "text", "empty"])
async def test_garbage_instead_of_metrics_holds_the_fleet_and_serves_on(garbage: str, tmp_path: Path) -> None:
    async with living(fleet(lowest=1, startup="5s"), tmp_path) as (run, client):
        await until_ready(run, 1)
        assert (await client.ask())[0] == 200
        await turns(run, lambda tick: not tick.problems)
        await change_faults(run, "v-1", metrics=garbage)
        blind = await turns(run, lambda tick: "scrape of v-1" in tick.problems)
        assert [(await client.ask())[0] for _ in range(3)] == [200] * 3
        later = await turns(run, lambda tick: tick.number >= blind.number + 3)
        assert (_metrics(later), phases(run)) == (None, {"v-1": "ready"})
        await change_faults(run, "v-1", metrics=None)
        seen = await turns(run, lambda tick: not tick.problems and _metrics(tick) is not None)
        assert _metrics(seen) is not None


async def test_prometheus_stopped_for_two_minutes(tmp_path: Path) -> None:
    port = free_port()
    more = f"metrics: {{source: prometheus, url: 'http://127.0.0.1:{port}'}}"
    spec = fleet(lowest=0, speed=1, startup="1s", interval="2s", more=more)
    async with living(spec, tmp_path / "run") as (run, client):
        async with prometheus_of(run, tmp_path / "p", port):
            assert (await client.ask())[0] == 200
            seen = await turns(run, lambda tick: not tick.problems and _metrics(tick) is not None)
            assert seen.observation is not None
            assert seen.observation.models[0].traffic is not None
        stopped = await turns(run, lambda tick: "prometheus" in tick.problems)
        # As many requests as ever, for two minutes that nobody measures.
        for _ in range(24):
            assert (await client.ask())[0] == 200
            await asyncio.sleep(5)
        # Nothing was given up on what is not known, and the loop never stood still.
        assert phases(run) == {"v-1": "ready"}
        assert run.loop.history[-1].number >= stopped.number + 30
        async with prometheus_of(run, tmp_path / "p", port):
            await turns(run, lambda tick: not tick.problems and _metrics(tick) is not None)
            assert (await client.ask())[0] == 200


async def test_a_full_disk_under_the_journal(tmp_path: Path) -> None:
    async with living(fleet(lowest=1, startup="5s"), tmp_path) as (run, client):
        await until_ready(run, 1)
        await turns(run, lambda tick: not tick.problems)
        with files_no_larger_than_now(run.journals):
            full = await turns(run, lambda tick: "journal" in tick.problems)
            assert (await client.ask())[0] == 200
            # It decides and acts all the same.
            await run.loop.pin("v", 2)
            await until(lambda: len(phases(run)) == 2)
            assert full.plan is not None
        await turns(run, lambda tick: not tick.problems)
        await until_ready(run, 2)
        last = run.loop.history[-1].number
    counts = []
    for path in sorted(run.journals.glob("*.journal")):
        with Journal(path) as journal:
            counts.append(len(journal))
            assert replay(journal).equal
    # What waited for the disk was written once it took it again.
    assert sum(counts) == last


def _in_flight(run: LiveRun, name: str) -> int:
    states = [replica for variant in run.watch.now().variants for replica in variant.replicas]
    return next(replica.in_flight or 0 for replica in states if replica.id == name)


def _replicas(tick: Tick) -> Iterator[Any]:
    if tick.observation is not None:
        for variant in tick.observation.variants:
            yield from variant.replicas


def _metrics(tick: Tick) -> object:
    """Of the first replica."""
    first = next(_replicas(tick), None)
    return None if first is None else first.instances[0].metrics


@contextmanager
def files_no_larger_than_now(directory: Path) -> Iterator[None]:
    """Let nobody in this process make a file larger than the journals there are: what a full disk does to them."""
    largest = max(path.stat().st_size for path in directory.glob("*.journal"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)

"""What open pages cost the loop of the fleet: with the page in that loop, and in a process of its own.

A told fleet takes a turn every 1.25 s, as the demonstration does, and starts with the turns of half an hour. A
heartbeat every 5 ms in the fleet's loop stands for requests to be routed; how late it comes is what they would wait.
Visitors are socket.io clients in another process, so that no browser competes for the processor.
"""

import argparse
import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import numpy as np
import socketio  # type: ignore[import-untyped]
from tests.web.story import Story, ToldFleet

from wva.live.run_directory import RunFile, write_run_file
from wva.live.server import ControlServer
from wva.web.launch import launch

BEAT_S = 0.005
TICK_S = 1.25
SETTLE_S = 3.0


async def visit(url: str, count: int, lasts_s: float) -> None:
    """Open so many pages and take what they are sent."""
    visitors = []
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            async with session.get(url) as answer:
                found = re.search(r"'client_id': '([0-9a-f-]+)'", await answer.text())
            if found is None:
                raise SystemExit("the page has no client id: NiceGUI's page changed")
            client: Any = socketio.AsyncClient()
            query = f"client_id={found[1]}&tab_id={found[1]}&document_id={found[1]}&next_message_id=0"
            await client.connect(
                f"{url}?{query}&implicit_handshake=true",
                socketio_path="/_nicegui_ws/socket.io",
                transports=["websocket"],
            )
            visitors.append(client)
    await asyncio.sleep(lasts_s)
    for client in visitors:
        await client.disconnect()


@asynccontextmanager
async def nowhere(fleet: ToldFleet) -> AsyncIterator[tuple[str, int | None]]:
    """No page at all."""
    yield "", None


@asynccontextmanager
async def same_loop(fleet: ToldFleet) -> AsyncIterator[tuple[str, int | None]]:
    """The page in this loop."""
    from wva.web.server import listen, serve  # noqa: PLC0415

    ready = asyncio.Event()
    with listen("127.0.0.1", 0) as listening:
        page = asyncio.create_task(serve(fleet, "here", listening, ready.set))
        await ready.wait()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", None
        page.cancel()
        with suppress(asyncio.CancelledError):
            await page


@asynccontextmanager
async def own_process(fleet: ToldFleet) -> AsyncIterator[tuple[str, int | None]]:
    """The page in a process of its own."""
    server = ControlServer(fleet, "token", lambda: [])
    with TemporaryDirectory() as directory:
        url = await server.start()
        write_run_file(Path(directory), RunFile("told", 1, url, "token", "http://127.0.0.1:8000", "journals"))
        page = await launch(Path(directory), "127.0.0.1", 0)
        yield f"{page.url}/", page.process_id
        await page.close()
        await server.stop()


PLACES = {"none": nowhere, "same": same_loop, "own": own_process}


async def measure(place: str, pages: int, lasts_s: float) -> None:
    """Print how late the heartbeat came, and what the processes used."""
    story = Story()
    while story.now < 1800.0:
        story.tell()
    fleet = ToldFleet(story, 1.0)
    telling = asyncio.create_task(_tell(story))
    async with PLACES[place](fleet) as (url, process):
        command = (sys.executable, "-m", "bench.dashboard", "--visit", url, "--pages", str(pages))
        visitors = None
        if pages:
            visitors = await asyncio.create_subprocess_exec(*command, "--seconds", str(lasts_s + 2 * SETTLE_S))
        await asyncio.sleep(SETTLE_S)
        before, other = time.process_time(), _used(process)
        late = await _beat(lasts_s)
        own = (time.process_time() - before) / lasts_s
        beside = (_used(process) - other) / lasts_s
        memory = "" if process is None else f", {_memory_mib(process):.0f} MiB"
        if visitors is not None:
            visitors.terminate()
            await visitors.wait()
    telling.cancel()
    p50, p99 = np.percentile(late, [50, 99]) * 1e3
    most = max(late) * 1e3
    print(
        f"{place:>5} {pages:>3} pages: beat late by {p50:.2f} ms (median), {p99:.2f} (p99), {most:.1f} (most); "
        f"fleet's process {own:.1%} of a core, page's {beside:.1%}{memory}",
        flush=True,
    )


async def _tell(story: Story) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        story.tell()


async def _beat(lasts_s: float) -> list[float]:
    late, end = [], time.perf_counter() + lasts_s
    while (now := time.perf_counter()) < end:
        await asyncio.sleep(BEAT_S)
        late.append(time.perf_counter() - now - BEAT_S)
    return late


def _used(process: int | None) -> float:
    """Processor seconds of a process."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def _memory_mib(process: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096 / 2**20


def main() -> None:
    """Measure one place after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--places", nargs="*", choices=list(PLACES), default=list(PLACES))
    parser.add_argument("--visit", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.visit:
        asyncio.run(visit(asked.visit, asked.pages[0], asked.seconds))
        return
    for place in asked.places:
        for pages in asked.pages if place != "none" else [0]:
            asyncio.run(measure(place, pages, asked.seconds))


if __name__ == "__main__":
    main()

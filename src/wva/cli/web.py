"""``wva web``: the live page of a running fleet."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from wva.cli.running import RunArgument
from wva.live.run_directory import USUAL
from wva.web.launch import require_nicegui


def web(
    run: RunArgument = USUAL,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    attached: Annotated[bool, typer.Option("--attached", hidden=True, help="End when standard input does.")] = False,
) -> None:
    """Show a running fleet in a browser: replicas, load, latencies, cost, and every decision with its reasons.

    wva up shows the same page; this one may be started and stopped while the fleet runs, and waits for one that does
    not run yet.
    """
    require_nicegui()
    asyncio.run(_show(run, host, port, attached=attached))


async def _show(directory: Path, host: str, port: int, *, attached: bool) -> None:
    """Until SIGINT or SIGTERM comes or, attached, until standard input ends."""
    from wva.web.found import found_fleet  # noqa: PLC0415
    from wva.web.server import listen, serve  # noqa: PLC0415

    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if attached:
        loop.add_reader(sys.stdin, ended.set)
    with listen(host, port) as listening:
        url = f"http://{host}:{listening.getsockname()[1]}"
        async with found_fleet(directory) as fleet:
            page = asyncio.create_task(serve(fleet, str(directory), listening, lambda: print(url, flush=True)))
            end = asyncio.create_task(ended.wait())
            await asyncio.wait((page, end), return_when=asyncio.FIRST_COMPLETED)
            end.cancel()
            page.cancel()
            await asyncio.wait((page,))
            if not page.cancelled():
                page.result()

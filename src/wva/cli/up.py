"""``wva up``: a whole fleet on this machine."""

import asyncio
import logging
import signal
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wva.live.run_directory import USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from wva.engine.server import Server
    from wva.live.fleet import LiveRun
    from wva.local.schema import FleetSpec
    from wva.local.signals import StopSignals

LOG = "wva.log"
"""What went wrong meanwhile, in the run's directory."""
_SIGNALLED = 128
"""Exit code of a program that a signal ended, less the signal's number."""


def up(
    fleet: Annotated[
        Path | None,
        typer.Argument(metavar="FLEET.yaml", help="What to run. Without one, an emulated fleet with a load."),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where journals, logs and run.json go.")] = USUAL,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The gateway's port; 0 takes a free one.")] = None,
    speed: Annotated[
        float | None, typer.Option(metavar="N", help="Live N times as fast as the world (emulated replicas only).")
    ] = None,
    no_load: Annotated[bool, typer.Option("--no-load", help="Do not send the load that the file brings.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Stop when that load has been answered.")] = False,
) -> None:
    """Run a fleet of model servers with a gateway and the loop that scales it, until Ctrl-C.

    Clients use the gateway as they use OpenAI's API. Other commands look at the fleet and steer it: wva status, wva
    explain, wva pause, wva pin.
    """
    import uvloop  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415

    from wva.live.hardware import compile_engine, modelled_servers  # noqa: PLC0415
    from wva.local.load import builtin_fleet, load_fleet, with_changes  # noqa: PLC0415

    console = Console()
    spec = with_changes(builtin_fleet() if fleet is None else load_fleet(fleet), port=port, speed=speed)
    servers = modelled_servers(spec)
    words = "getting ready; the first time compiles for half a minute"
    with console.status(words) if console.is_terminal else nullcontext():
        compile_engine(spec, servers)
    code = uvloop.run(_run(spec, out, servers, console, load=not no_load, once=once))
    if code:
        raise typer.Exit(code)


async def _run(
    spec: "FleetSpec", out: Path, servers: "Mapping[str, Server]", console: "Console", *, load: bool, once: bool
) -> int:
    """Run until a signal comes or, with ``once``, until the load is over; return the exit code."""
    from wva.cli.page_beside import page_beside  # noqa: PLC0415
    from wva.cli.up_view import show_start, show_summary, watching  # noqa: PLC0415
    from wva.gateway.process import settle_collector  # noqa: PLC0415
    from wva.live.fleet import running_fleet  # noqa: PLC0415
    from wva.live.summary import summarize  # noqa: PLC0415
    from wva.local.signals import StopSignals  # noqa: PLC0415

    with StopSignals() as signals:
        async with running_fleet(spec, out, servers, load=load) as run:
            signals.on_second(run.kill)
            _log_to(out / LOG)
            settle_collector()
            show_start(run, console)
            async with page_beside(spec.dashboard, out, console), watching(run, console):
                await _until_end(run, signals, once=once)
            summary = summarize(await run.watch.state(), run.watch.history, run.meter)
            if signals.first is not None:
                console.print("stopping; Ctrl-C again kills at once", style="dim")
        show_summary(summary, run, console)
    # Ctrl-C is how a fleet is meant to be stopped.
    return 0 if signals.first in (None, signal.SIGINT) else _SIGNALLED + signals.first


async def _until_end(run: "LiveRun", signals: "StopSignals", *, once: bool) -> None:
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(signals.wait())]
    if once and run.load is not None:
        waits.append(asyncio.ensure_future(asyncio.shield(run.ended)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _log_to(path: Path) -> None:
    """Keep warnings off the live view, in a file."""
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)

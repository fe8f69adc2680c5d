"""``wva status``: how a running fleet is."""

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from wva.cli.running import RunArgument
from wva.live.run_directory import USUAL

if TYPE_CHECKING:
    from pathlib import Path

    from wva.live.state import LiveState


def status(
    run: RunArgument = USUAL,
    json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show what a running fleet has, how loaded it is, and its last decisions."""
    state = asyncio.run(_state(run))
    if json:
        from wva.live.state import LiveState  # noqa: PLC0415
        from wva.record.column import column  # noqa: PLC0415

        print(column(LiveState).encode(state).decode())
        return
    from rich.console import Console  # noqa: PLC0415

    from wva.cli.fleet_view import fleet_view, replicas_table  # noqa: PLC0415

    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(fleet_view(state))
    if any(variant.replicas for variant in state.variants):
        console.print()
        console.print(replicas_table(state))


async def _state(run: "Path") -> "LiveState":
    from wva.live.client import live_client  # noqa: PLC0415

    async with live_client(run) as fleet:
        return await fleet.state()

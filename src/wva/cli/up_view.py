"""What ``wva up`` shows: where everything is, a live view, and what it came to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from wva.cli.fleet_view import clock, fleet_view, plain_line
from wva.live.fleet import LiveRun
from wva.live.state import LiveState, TickState
from wva.live.summary import Summary

REFRESH_S = 0.25


def show_start(run: LiveRun, console: Console) -> None:
    """Say where everything is."""
    load = "" if run.load is None else "; its own load comes by itself"
    lines = {
        "gateway": f"{run.gateway_url}/v1  (any OpenAI client; models: {', '.join(run.spec.models)}{load})",
        "metrics": f"{run.gateway_url}/metrics",
        "control": f"{run.control_url}/api/state  (wva status, wva pause, wva pin)",
        "journal": f"{run.journals}  (wva explain {run.journals})",
    }
    for name, where in lines.items():
        console.print(Text.assemble((f"{name:8}", "dim"), where), soft_wrap=True)
    orders = run.loop.orders
    if orders.paused or orders.pins:
        pins = ", ".join(f"{variant} pinned at {count}" for variant, count in orders.pins.items())
        told = ", ".join(part for part in ("paused" if orders.paused else "", pins) if part)
        console.print(Text(f"goes on as it was told before: {told}", style="yellow"))


@asynccontextmanager
async def watching(run: LiveRun, console: Console) -> AsyncIterator[None]:
    """Show the fleet: a live view on a terminal, elsewhere a line for each turn that changes something, or a minute."""
    task = asyncio.create_task(_live(run, console) if console.is_terminal else _lines(run, console))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _live(run: LiveRun, console: Console) -> None:
    with Live(fleet_view(run.watch.now()), console=console, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(REFRESH_S)
            state = run.watch.now()
            view = fleet_view(state)
            live.update(view, refresh=True)


async def _lines(run: LiveRun, console: Console) -> None:
    said = -float("inf")
    async for event in run.watch.events():
        if isinstance(event, TickState) and (event.changes or event.time - said >= 60.0):
            said = event.time
            console.print(plain_line(event, run.watch.now()), soft_wrap=True, highlight=False)


def show_summary(summary: Summary, run: LiveRun, console: Console) -> None:
    """Say what the run came to."""
    state = summary.state
    ups, downs = sum(one.ups for one in summary.scaling), sum(one.downs for one in summary.scaling)
    hours = ", ".join(f"{one.variant} {one.replica_hours:.2f} h" for one in summary.scaling)
    console.print()
    console.print(
        Text(f"{state.fleet} ran for {clock(summary.lasted_s)} of its time and cost {state.cost:.2f} ({hours})")
    )
    console.print(Text(f"{ups} times up, {downs} times down in {state.tick} turns"))
    for model in state.models:
        console.print(Text(_served(model.name, state)))
    console.print(Text(f"wva explain {run.journals} tells why"))


def _served(name: str, state: LiveState) -> str:
    model = next(model for model in state.models if model.name == name)
    if not model.offered:
        return f"{name}: no request came"
    share = "-" if model.attainment is None else f"{model.attainment:.1%}"
    under_way = model.offered - model.ended
    rest = f", {under_way} under way" if under_way else ""
    return f"{name}: {model.offered} requests, {share} within the objectives, {model.failed} failed{rest}"

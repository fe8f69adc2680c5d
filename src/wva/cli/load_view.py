"""What ``wva load`` shows: progress while it sends, and a table of what came out."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from wva.fleet.model import Model
from wva.report.driven import LABEL
from wva.report.summary import count, duration, percent
from wva.workload.driver.drive import DriveSettings, drive
from wva.workload.driver.drive import Progress as DriveProgress
from wva.workload.driver.seen import Seen
from wva.workload.merge import Workload

BEHIND_S = 0.1
"""Lateness of the 99th percentile from which on the driver says that it fell behind."""


async def drive_shown(workload: Workload, settings: DriveSettings) -> tuple[Seen, float | None]:
    """Drive, showing progress on standard error; return what was seen, and after how many seconds Ctrl-C came."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} sent"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}"),
        console=Console(stderr=True),
        transient=True,
    )
    bar = progress.add_task(settings.url, total=len(workload), doing="")

    def show(now: DriveProgress) -> None:
        doing = f"{now.sent - now.ended:,} under way, {now.failed:,} failed, {1e3 * now.lateness_s:.0f} ms late"
        progress.update(bar, completed=now.sent, doing=doing)

    began = loop.time()
    with progress if progress.console.is_terminal else nullcontext():
        seen = await drive(workload, settings, stop, show)
    return seen, loop.time() - began if stop.is_set() else None


def show_driven(results: Mapping[str, Any], models: Sequence[Model], console: Console) -> None:
    """Print what came out, and whether the driver kept its own schedule."""
    run = results["policies"][LABEL]
    numbers, speed = run["median"], run["options"]["speed"]
    faster = "" if speed == 1 else f", played {speed:g} times faster; times are the trace's"
    console.print()
    console.print(
        Text(results["scenario"], style="bold"),
        f"{count(numbers['offered'])} requests in {duration(results['window_s'])}{faster}",
        highlight=False,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("", "offered", "met", "failed", "TTFT p50", "p90", "p99", "TPOT p50", "p99", "E2E p50", "p99"):
        table.add_column(heading, justify="right" if heading else "left", header_style="dim")
    for name, part in {"all": numbers, **numbers["by_model"]}.items():
        row = [count(part["offered"]), percent(part["attainment"]), count(part["failed"]["sum"])]
        row += [_latency(part["ttft_s"][share]) for share in ("p50", "p90", "p99")]
        row += [_latency(part[kind][share]) for kind in ("tpot_s", "e2e_s") for share in ("p50", "p99")]
        table.add_row(Text(name), *row)
    console.print(table)
    for model in models:
        objectives = model.objectives
        promise = f"first token in {_latency(objectives.ttft_s)}, each further one in {_latency(objectives.tpot_s)}"
        console.print(Text(f"met: {model.name} promises the {promise}"))
    failed = {reason: number for reason, number in numbers["failed"].items() if reason != "sum"}
    if failed:
        console.print(Text("failed: " + ", ".join(f"{count(number)} {reason}" for reason, number in failed.items())))
    console.print(Text(_schedule(results["lateness_s"])))


def _schedule(late: Mapping[str, float | None]) -> str:
    p50, p99, most = (_latency(late[share]) for share in ("p50", "p99", "max"))
    told = f"the driver was {p50} late (p50), {p99} (p99), {most} at most, by the clock"
    if (late["p99"] or 0.0) < BEHIND_S:
        return told
    return f"{told}: it fell behind its own schedule, which is in every latency; lower --scale or --speed"


def _latency(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 0.9995:
        return f"{1e3 * value:.3g} ms" if value < 0.0995 else f"{1e3 * value:.0f} ms"
    return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"

"""``wva frontier``: attainment against cost of every policy, each at its best."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from wva.cli.options import Duration, Jobs, Overrides, QueueAt, Seeds, processes, read_scenario
from wva.gateway.settings import Queue

_WIDTH_OF_A_FILE = 140

Scenarios = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[SCENARIO.yaml]...", help="What to run. Without one, half an hour of synthetic traffic."),
]
Rivals = Annotated[
    list[str] | None,
    typer.Option("--rival", metavar="NAME", help="Tune only this policy; repeat it for each. Default: all there are."),
]
Trials = Annotated[
    int | None,
    typer.Option(min=1, help="Sets of values tried for each rival. Default: 24 to 128, by how long a run takes."),
]
Out = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        help="Where frontier.html, frontier.json, frontier.md, the figures and all runs go; what was run there before "
        "is not run again.",
    ),
]


def frontier(
    scenarios: Scenarios = None,
    out: Out = Path("wva-results/frontier"),
    rival: Rivals = None,
    trials: Trials = None,
    seeds: Seeds = None,
    queue: QueueAt = None,
    duration: Duration = None,
    jobs: Jobs = None,
) -> None:
    """Tune every rival on each scenario, for both places to queue, and hold wva's sweep of headroom against them.

    Interrupted, the same command goes on where it stopped.
    """
    changes = Overrides(None, None, seeds, queue, None, duration)
    changed = [read_scenario(file, changes) for file in scenarios or (None,)]
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from wva.cli.jobs import shown_jobs  # noqa: PLC0415
    from wva.report.frontier.make import PAGE, RESULTS, make_frontier, require_rivals  # noqa: PLC0415
    from wva.report.frontier.words import WORDS, summary, unknowns, verdicts  # noqa: PLC0415

    rivals = require_rivals(rival or [])
    # Asked to end, it ends as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with shown_jobs() as display:
        found = make_frontier(
            changed,
            tuple(Queue) if queue is None else (queue,),
            rivals,
            out,
            trials=trials,
            jobs=processes(jobs),
            began=display.stage,
            watcher=display.watcher,
        )
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    table = verdicts(found)
    shown = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in table.headings:
        shown.add_column(heading, justify="left" if heading in WORDS else "right")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    console.print()
    console.print(shown)
    for sentence in (*summary(found), *unknowns(found)):
        console.print(Text(sentence))
    print(f"\n{out / PAGE} shows it, {out / RESULTS} has all numbers.")

"""``wva tune``: a policy's own parameters searched for its best trade-off of attainment against cost."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wva.cli.options import (
    Duration,
    Jobs,
    Overrides,
    QueueAt,
    Scale,
    ScenarioFile,
    Seeds,
    Start,
    Trace,
    processes,
    read_scenario,
    usual_directory,
)
from wva.scenario.schema import Scenario

if TYPE_CHECKING:
    from rich.console import Console

    from wva.report.tuning.answer import Answer

_WIDTH_OF_A_FILE = 120

Trials = Annotated[int, typer.Option(min=1, help="How many sets of values to try; what was tried before counts.")]
Attainment = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Choose the cheapest that meets this share of the attainable requests; where none does, the one that "
        "meets most.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where the options, the trials and all runs go; the same command there again goes on where it stopped. "
        "Default: ./wva-results/tune-POLICY-SCENARIO-QUEUE.",
    ),
]


def tune(
    policy: Annotated[str, typer.Option(metavar="NAME", help="The policy whose parameters are searched.")],
    scenario: ScenarioFile = None,
    trials: Trials = 96,
    attainment: Attainment = 0.99,
    out: Out = None,
    trace: Trace = None,
    scale: Scale = None,
    seeds: Seeds = None,
    queue: QueueAt = None,
    start: Start = None,
    duration: Duration = None,
    jobs: Jobs = None,
) -> None:
    """Search a policy's own parameters for the whole trade-off of attainment against cost.

    Each trial runs on all seeds of the scenario and counts with its medians; the first has the published defaults.
    """
    changed = read_scenario(scenario, Overrides(trace, scale, seeds, queue, start, duration))
    from rich.console import Console  # noqa: PLC0415

    from wva.cli.jobs import shown_jobs  # noqa: PLC0415
    from wva.report.experiments.bench import Bench  # noqa: PLC0415
    from wva.report.experiments.store import Store  # noqa: PLC0415
    from wva.report.tuning.answer import answer, write_answer  # noqa: PLC0415
    from wva.report.tuning.tune import open_search, require_tunable, tune  # noqa: PLC0415

    require_tunable(policy)
    directory = out or usual_directory(f"tune-{policy}-{changed.name}", changed)
    # Asked to end, it ends as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with shown_jobs() as display:
        search = open_search(policy, changed, directory / "studies")
        with Bench(Store(directory / "runs"), processes(jobs), display.watcher) as bench:
            tune([search], bench, trials, lambda done, of: display.stage(f"{policy}, trials", done, of))
            found = answer(search, bench, attainment)
    file = write_answer(found, directory)
    _show(found, changed, Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE))
    print(
        f"\nThe chosen options are in {file}:\nwva compare {scenario or ''} --policy {policy}={file}".replace("  ", " ")
    )


def _show(found: "Answer", scenario: Scenario, console: "Console") -> None:
    """Print the points of the trade-off, and the chosen values beside the defaults."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from wva.report.summary import count, dollars, percent, seconds  # noqa: PLC0415

    seeds = len(scenario.seeds)
    console.print(
        f"\n{found.search.policy} on {scenario.name}, queued at the {scenario.gateway.queue.value}: "
        f"{len(found.tried)} trials, {'1 seed' if seeds == 1 else f'medians of {seeds} seeds'}; "
        "no other trial beats those below",
        highlight=False,
        markup=False,
    )
    points = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("trial", "met, of attainable", "cost", "failed", "p99 TTFT", ""):
        points.add_column(heading, justify="left" if not heading else "right")
    defaults = found.tried[0]
    shown = {trial.number: trial for trial in (defaults, *found.front)}
    for trial in sorted(shown.values(), key=lambda each: each.cost):
        numbers = found.numbers[trial.number]
        notes = [*(["the defaults"] if trial == defaults else []), *(["chosen"] if trial == found.chosen else [])]
        points.add_row(
            str(trial.number),
            percent(trial.attainment),
            dollars(trial.cost),
            count(numbers["failed"]["sum"]),
            seconds(numbers["ttft_s"]["p99"]),
            Text(", ".join(notes), style="bold"),
        )
    console.print(points)
    values = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("parameter", "default", "chosen"):
        values.add_column(heading, justify="left" if heading == "parameter" else "right")
    for name, value in found.chosen.values.items():
        values.add_row(Text(name), str(defaults.values[name]), str(value))
    console.print()
    console.print(values)

"""``wva compare``: policies side by side on the same traffic."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from wva.cli.options import (
    Duration,
    FitReplicas,
    Jobs,
    Out,
    Overrides,
    QueueAt,
    Scale,
    ScenarioFile,
    Seeds,
    Start,
    Trace,
    output_directory,
    processes,
    read_scenario,
)
from wva.scenario.schema import Scenario

_WIDTH_OF_A_FILE = 120

Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME[=OPTIONS.yaml]",
        help="A policy to run, with its options from a file; repeat it for each. static-best is the cheapest static "
        "fleet, and clairvoyant a schedule of counts, each found by search with the whole traffic known. Default: "
        "static, hpa and wva.",
    ),
]


def compare(
    scenario: ScenarioFile = None,
    policy: Policies = None,
    out: Out = None,
    trace: Trace = None,
    scale: Scale = None,
    fit_replicas: FitReplicas = None,
    seeds: Seeds = None,
    queue: QueueAt = None,
    start: Start = None,
    duration: Duration = None,
    jobs: Jobs = None,
) -> None:
    """Run policies on the same traffic, in virtual time, and say who was served, by what and at which cost."""
    changed = read_scenario(scenario, Overrides(trace, scale, seeds, queue, start, duration))
    run_and_show(changed, policy or [], out, jobs, fit_replicas)


def run_and_show(
    scenario: Scenario, policies: Sequence[str], out: Path | None, jobs: int | None, replicas: int | None
) -> None:
    """Compare policies, write the files and print what came out. Raises ``UserError`` where something is wrong."""
    # What follows loads the simulator and takes a while; a mistake in the scenario is told before.
    from rich.console import Console  # noqa: PLC0415

    from wva.cli.progress import shown_progress  # noqa: PLC0415
    from wva.cli.table import show  # noqa: PLC0415
    from wva.report.compare import compare as make_comparison  # noqa: PLC0415
    from wva.report.contenders import parse_contenders  # noqa: PLC0415

    contenders = parse_contenders(policies)
    directory = output_directory(out, scenario)
    # Asked to end, it clears up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with shown_progress(len(contenders) * len(scenario.seeds)) as watcher:
        comparison = make_comparison(
            scenario, contenders, directory, jobs=processes(jobs), replicas=replicas, watcher=watcher
        )
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    show(comparison, directory, console)

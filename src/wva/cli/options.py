"""The arguments that ``wva compare`` and ``wva simulate`` share."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from wva.fleet.duration import parse_duration
from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.scenario.load import builtin_scenario, load_scenario, override
from wva.scenario.schema import Scenario

ScenarioFile = Annotated[
    Path | None,
    typer.Argument(metavar="SCENARIO.yaml", help="What to run. Without one, half an hour of synthetic traffic."),
]
Trace = Annotated[Path | None, typer.Option(help="Take the traffic of the first workload entry from this file.")]
Scale = Annotated[float | None, typer.Option(help="Copies of the trace laid over each other, such as 5 or 0.5.")]
FitReplicas = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Scale the traffic until the smallest fleet of the first variant that serves 95 % of it has N replicas.",
    ),
]
Seeds = Annotated[str | None, typer.Option(metavar="1,2,3", help="One run each; they shift the copies and the clocks.")]
QueueAt = Annotated[
    Queue | None, typer.Option("--queue", help="Where requests wait: in the engines, or at the gateway.")
]
Start = Annotated[str | None, typer.Option(metavar="DURATION", help="Leave so much of the trace out (90s, 30m, 2h).")]
Duration = Annotated[str | None, typer.Option(metavar="DURATION", help="Run only so much of it.")]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Processes that share the runs; each needs up to 1 GB. Default: every core.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where results.json, report.html, the figures and the journals go; what an earlier run wrote there is "
        "replaced, anything else is an error. Default: ./wva-results/SCENARIO-QUEUE.",
    ),
]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line changes in a scenario; ``None`` keeps what it has."""

    trace: Path | None
    scale: float | None
    seeds: str | None
    queue: Queue | None
    start: str | None
    duration: str | None


def read_scenario(file: Path | None, changes: Overrides) -> Scenario:
    """The scenario of a file, or the built-in one, with changes. Raises ``UserError`` where something is wrong."""
    scenario = builtin_scenario() if file is None else load_scenario(file)
    return override(
        scenario,
        trace=changes.trace,
        scale=changes.scale,
        seeds=None if changes.seeds is None else _seeds(changes.seeds),
        queue=changes.queue,
        start_s=None if changes.start is None else parsed_duration("--start", changes.start),
        duration_s=None if changes.duration is None else parsed_duration("--duration", changes.duration),
    )


def output_directory(out: Path | None, scenario: Scenario) -> Path:
    """The directory asked for, or the usual one."""
    return out or usual_directory(scenario.name, scenario)


def usual_directory(name: str, scenario: Scenario) -> Path:
    """Where results go when no directory was asked for."""
    plain = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip(".-")
    return Path("wva-results") / f"{plain or 'scenario'}-{scenario.gateway.queue.value}"


def processes(jobs: int | None) -> int:
    """The number of processes asked for, or one for each core that may be used."""
    if jobs is not None:
        return jobs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _seeds(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--seeds: {text!r} is no list of whole numbers such as 1,2,3") from None


def parsed_duration(option: str, text: str) -> float:
    """Seconds of a duration that an option has. Raises ``UserError`` where it is none."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from None

"""``wva explain``: why a run's replicas are as many as they are, and what that did to its requests."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wva.cli.options import parsed_duration
from wva.fleet.errors import UserError
from wva.live.run_directory import USUAL
from wva.record.explain import explain_decision, explain_run
from wva.record.find import find_journal
from wva.record.reader import Journal

_WIDTH_OF_A_FILE = 120


def explain(
    run: Annotated[
        Path,
        typer.Argument(help="A journal, or a directory that holds one; of a live fleet's, the newest counts."),
    ] = USUAL,
    variant: Annotated[str | None, typer.Option(help="Tell only of this variant.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Tell one decision in full: the one in force then (1h10m, or seconds).")
    ] = None,
    request: Annotated[
        str | None,
        typer.Option(
            metavar="ID|worst|first-miss",
            help="Tell of one request where its time went and which decision would have saved it. Requests are "
            "numbered from 0 in order of arrival.",
        ),
    ] = None,
    misses: Annotated[
        bool, typer.Option("--misses", help="Tell which requests missed their objectives, when, and by what cause.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --request or --misses: print it as JSON.")] = False,
) -> None:
    """Say in plain words what a run decided, why, and what became of it and of its requests."""
    _check(variant, at, request, misses, json)
    time = None if at is None else _moment(at)
    # A pipe has no width, and the 80 columns assumed for one would break the tables.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    with Journal(find_journal(run)) as journal:
        if request is not None or misses:
            # What follows loads the simulator and takes a while.
            from wva.cli.requests import show_misses, show_request  # noqa: PLC0415

            if request is not None:
                show_request(journal, request, console, json=json)
            else:
                show_misses(journal, console, json=json)
            return
        console.print(explain_run(journal, variant) if time is None else explain_decision(journal, time, variant))


def _moment(at: str) -> float:
    """Seconds into the run: a duration, or a bare number of seconds."""
    return parsed_duration("--at", f"{at}s" if at.replace(".", "", 1).isdecimal() else at)


def _check(variant: str | None, at: str | None, request: str | None, misses: bool, json: bool) -> None:
    """Raise ``UserError`` for options that do not go together."""
    if request is not None and misses:
        raise UserError("--request tells of one request and --misses of all: give one of them")
    if (request is not None or misses) and (variant is not None or at is not None):
        raise UserError("--variant and --at tell of decisions: leave them out with --request and --misses")
    if json and request is None and not misses:
        raise UserError("--json goes with --request or --misses")

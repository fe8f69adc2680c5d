"""``wva explain``: why a run's replicas are as many as they are."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from wva.record.duration import parse_duration
from wva.record.explain import explain_decision, explain_run
from wva.record.find import find_journal
from wva.record.reader import Journal

_WIDTH_OF_A_FILE = 120


def explain(
    run: Annotated[Path, typer.Argument(help="A journal, or a directory that holds one.")],
    variant: Annotated[str | None, typer.Option(help="Tell only of this variant.")] = None,
    at: Annotated[
        str | None, typer.Option(help="Tell one decision in full: the one in force then (1h10m, or seconds).")
    ] = None,
) -> None:
    """Say in plain words what a run decided, why, and what became of it."""
    time = None if at is None else parse_duration(at)
    with Journal(find_journal(run)) as journal:
        told = explain_run(journal, variant) if time is None else explain_decision(journal, time, variant)
    # A pipe has no width, and the 80 columns assumed for one would break the tables.
    Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(told)

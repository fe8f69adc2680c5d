"""``wva replay``: whether a run's decisions come out the same today."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from wva.fleet.duration import format_duration
from wva.record.find import find_journal
from wva.record.reader import Journal
from wva.record.replay import DifferentDecision, Replay
from wva.record.replay import replay as replay_journal
from wva.record.run import Run


def replay(run: Annotated[Path, typer.Argument(help="A journal, or a directory that holds one.")]) -> None:
    """Make a run's decisions again from what was recorded; exit with 1 where one comes out differently."""
    with Journal(find_journal(run)) as journal:
        result = replay_journal(journal)
        header = journal.run
    console = Console()
    for line in _lines(result, header):
        console.print(Text(line), soft_wrap=True)
    if not result.equal:
        raise typer.Exit(1)


def _lines(result: Replay, run: Run) -> list[str]:
    lines = []
    if result.code_changed:
        lines.append(f"The deciding code is not the one that recorded the run (recorded {run.code_digest[:12]}).")
    if result.configuration_changed:
        lines.append("The policy's configuration is not the recorded one.")
    if result.fleet_configurations > 1:
        lines.append(f"The fleet's configuration changed during the run: {result.fleet_configurations} digests.")
    if result.first is None:
        lines.append(f"Policy {run.policy}: all {result.decisions} decisions come out as recorded.")
        return lines
    lines.append(f"Policy {run.policy}: {result.different} of {result.decisions} decisions come out differently.")
    return lines + _first(result.first, run)


def _first(first: DifferentDecision, run: Run) -> list[str]:
    difference = first.difference
    return [
        f"The first is decision {first.index} at {format_duration(first.time - run.start)}, in {difference.field}:",
        f"  recorded: {difference.recorded}",
        f"  now:      {difference.now}",
    ]

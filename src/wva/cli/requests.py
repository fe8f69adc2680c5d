"""Makes a recorded run again and shows what it says of its requests."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from wva.cli.misses_view import misses_view
from wva.cli.request_view import request_view
from wva.record.reader import Journal
from wva.report.misses import find_misses, find_request
from wva.report.request.explain import explain_request
from wva.simulate.misses import causes
from wva.simulate.recorded import RecordedRun, open_run
from wva.simulate.result import RunResult


def show_request(journal: Journal, named: str, console: Console, *, json: bool) -> None:
    """Explain one request. Raises ``UserError`` where it or the run cannot be had."""
    with _shown() as (say, share):
        run, result = _made_again(journal, say, share)
        why = causes(result)
        explanation = explain_request(run, result, why, find_request(result, why, named), say)
    if json:
        _print_json(explanation)
    else:
        console.print(request_view(explanation, str(journal.path)))


def show_misses(journal: Journal, console: Console, *, json: bool) -> None:
    """Tell the misses. Raises ``UserError`` where the run cannot be made again."""
    with _shown() as (say, share):
        run, result = _made_again(journal, say, share)
        found = find_misses(run, result, causes(result))
    if json:
        _print_json(found)
    else:
        console.print(misses_view(found, str(journal.path)))


def _made_again(
    journal: Journal, say: Callable[[str], None], share: Callable[[float], None]
) -> tuple[RecordedRun, RunResult]:
    run = open_run(journal, say)
    say("makes the run again")
    return run, run.make_again(share)


def _print_json(found: Any) -> None:
    # Written past the console, which would wrap it at the terminal's width.
    print(to_json(asdict(found), indent=2).decode())


@contextmanager
def _shown() -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """(what is told what is being done, what is told how far the run is); nothing is shown where no terminal is."""
    progress = Progress(
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
    )
    if not progress.console.is_terminal:
        yield (lambda doing: None), (lambda share: None)
        return
    with progress:
        task = progress.add_task("", total=1.0)
        yield (
            lambda doing: progress.update(task, description=doing),
            lambda share: progress.update(task, completed=share),
        )

"""Finds the journal that a user means."""

from pathlib import Path

from wva.fleet.errors import UserError

SUFFIX = ".journal"
"""What the names of journals end with, so that a directory can be searched for them."""


LIVE = f"{'[0-9]' * 8}T{'[0-9]' * 6}Z-{'[0-9]' * 3}{SUFFIX}"
"""What the names of a live fleet's journals look like: one file for each stretch of decisions, in the order of time."""


def live_journals(directory: Path) -> list[Path]:
    """The journals of the live fleet that writes them to this directory, oldest first."""
    return sorted(path for path in directory.glob(LIVE) if path.is_file())


def find_journal(run: Path) -> Path:
    """The journal at ``run``: the file itself, or the only journal in or below that directory.

    Of a live fleet's journals it is the newest. Raises ``UserError`` where there is none, and where there are several,
    with their names.
    """
    if run.is_file():
        return run
    if not run.is_dir():
        raise UserError(f"there is no journal or directory {run}")
    found = sorted(path for path in run.rglob(f"*{SUFFIX}") if path.is_file())
    if not found:
        raise UserError(f"there is no journal (*{SUFFIX}) in {run}")
    of_a_fleet = live_journals(found[-1].parent)
    if found == of_a_fleet:
        return of_a_fleet[-1]
    if len(found) > 1:
        names = ", ".join(str(path) for path in found)
        raise UserError(f"{run} holds {len(found)} journals; name one of them: {names}")
    return found[0]

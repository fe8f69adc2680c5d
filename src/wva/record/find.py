"""Finds the journal that a user means."""

from pathlib import Path

from wva.fleet.errors import UserError

SUFFIX = ".journal"
"""What the names of journals end with, so that a directory can be searched for them."""


def find_journal(run: Path) -> Path:
    """The journal at ``run``: the file itself, or the only journal in or below that directory.

    Raises ``UserError`` where there is none, and where there are several, with their names.
    """
    if run.is_file():
        return run
    if not run.is_dir():
        raise UserError(f"there is no journal or directory {run}")
    found = sorted(path for path in run.rglob(f"*{SUFFIX}") if path.is_file())
    if not found:
        raise UserError(f"there is no journal (*{SUFFIX}) in {run}")
    if len(found) > 1:
        names = ", ".join(str(path) for path in found)
        raise UserError(f"{run} holds {len(found)} journals; name one of them: {names}")
    return found[0]

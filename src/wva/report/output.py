"""A directory that appears whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wva.fleet.errors import UserError

RESULTS = "results.json"
PAGE = "report.html"
JOURNALS = "journals"
FIGURES = ("load.png", "power.png", "replicas.png", "gpus.png", "ttft.png", "outcomes.png", "cost.png")
OURS = frozenset({RESULTS, PAGE, JOURNALS, *FIGURES})
"""Everything that a comparison writes."""


@contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """A new directory to fill, which takes the place of ``path`` at the end; after an error nothing is left of it.

    ``path`` may exist if it is empty or holds what an earlier comparison wrote, which is then replaced.

    Raises:
        UserError: ``path`` holds something else, or cannot be made.

    """
    path = path.resolve()
    _require_replaceable(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    made = _make_parents(path.parent)
    try:
        try:
            partial.mkdir()
        except OSError as error:
            raise UserError(f"--out {path}: cannot be made ({error.strerror}); choose another") from None
        yield partial
        _require_replaceable(path)
        _put_in_place(partial, path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        for directory in made:
            directory.rmdir()
        raise


def _require_replaceable(path: Path) -> None:
    if path.is_dir():
        held = {entry.name for entry in path.iterdir()}
        if held and RESULTS not in held:
            raise UserError(f"--out {path}: is not empty and no earlier comparison; choose another or empty it")
        if held - OURS:
            strange = sorted(held - OURS)[0]
            raise UserError(f"--out {path}: holds {strange}, which no comparison wrote; choose another or move it away")
    elif path.exists() or path.is_symlink():
        raise UserError(f"--out {path}: is no directory; choose another")


def _make_parents(path: Path) -> list[Path]:
    """Make the missing directories of ``path``; return them, the deepest first."""
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: {path} cannot be made ({error.strerror}); choose another") from None
    return missing


def _put_in_place(partial: Path, path: Path) -> None:
    if not path.exists():
        partial.rename(path)
        return
    # The directory itself stays: it may be somebody's working directory or a mounted volume. Its results.json is the
    # first thing to go and the last to come, so that nobody takes a half for a whole.
    for name in sorted(OURS, key=lambda name: name != RESULTS):
        old = path / name
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        else:
            old.unlink(missing_ok=True)
    for entry in sorted(partial.iterdir(), key=lambda entry: entry.name == RESULTS):
        shutil.move(entry, path / entry.name)
    partial.rmdir()

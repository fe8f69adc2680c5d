"""Compiled functions are kept for later processes, or compiled by each."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from wva.engine.compiled import entry_point


def doubled(number: int) -> int:
    return 2 * number


def test_what_was_compiled_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert entry_point(doubled)(21) == 42
    assert list(tmp_path.rglob("*doubled*.nbc"))


def test_where_nothing_can_be_written_it_is_compiled_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = set(Path(__file__).parent.rglob("*.nbi"))
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert entry_point(doubled)(21) == 42
    assert set(Path(__file__).parent.rglob("*.nbi")) == beside, "kept where a change of what it calls is not noticed"


def test_that_nothing_can_be_kept_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "cache"
    done = subprocess.run(
        [sys.executable, "-c", "import wva.simulate.loop"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"compiled code cannot be kept in {place}, so")

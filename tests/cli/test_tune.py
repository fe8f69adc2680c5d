"""``wva tune`` and ``wva frontier`` from outside: interrupted, they go on; finished, they run nothing again."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.test_compare import WVA, wva
from tests.report.experiments.small import SMALL
from tests.report.tiny import tiny

TUNE = ("tune", "tiny.yaml", "--policy", "hpa", "--trials", "16", "--seeds", "1,2", "--out", "out")
FRONTIER = ("frontier", "tiny.yaml", "--rival", "hpa", "--trials", "2", "--seeds", "1", "--queue", "engine")


def outcomes(out: Path) -> dict[Path, int]:
    """The kept outcomes and when each was made."""
    return {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.json")}


@pytest.mark.slow
def test_tune_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    tiny(tmp_path, SMALL)
    program = subprocess.Popen(
        [WVA, *TUNE, "--jobs", "2"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while len(outcomes(tmp_path / "out")) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(program.pid, signal.SIGINT)
    _, told = program.communicate(timeout=60)
    assert (program.returncode, told.splitlines()[-1]) == (130, "wva: interrupted")
    kept = outcomes(tmp_path / "out")
    done = wva(tmp_path, *TUNE, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert kept.items() <= outcomes(tmp_path / "out").items()
    assert "16 trials, medians of 2 seeds" in done.stdout
    assert "wva compare tiny.yaml --policy hpa=out/hpa.yaml" in done.stdout
    assert len(json.loads((tmp_path / "out" / "tune.json").read_text())["trials"]) == 16
    after = outcomes(tmp_path / "out")
    assert wva(tmp_path, *TUNE).stdout == done.stdout
    assert outcomes(tmp_path / "out") == after


@pytest.mark.slow
def test_frontier_writes_and_prints(tmp_path: Path) -> None:
    tiny(tmp_path, SMALL)
    done = wva(tmp_path, *FRONTIER, "--duration", "20s", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "wva-results" / "frontier"
    names = {path.name for path in out.iterdir()}
    assert {
        "frontier.html",
        "frontier.json",
        "frontier.md",
        "curves-tiny-engine.png",
        "misses-tiny-engine.png",
    } <= names
    assert "best-tuned rival" in done.stdout
    assert "tiny, engine: tuning, 2 of 2 trials each" in done.stderr

"""``wva tune`` and ``wva frontier`` from outside: interrupted, they go on; finished, they run nothing again."""

import asyncio
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.test_compare import WVA, wva
from tests.report.experiments.small import SMALL
from tests.report.tiny import tiny
from wva.report.tuning.tune import BATCH

TUNE = ("tune", "tiny.yaml", "--policy", "hpa", "--seeds", "1,2", "--out", "out")
ENDLESS = "1000000"
"""Trials, of which nobody sees the last."""
FRONTIER = ("frontier", "tiny.yaml", "--rival", "hpa", "--trials", "2", "--seeds", "1", "--queue", "engine")


def outcomes(out: Path) -> dict[Path, int]:
    """The kept outcomes and when each was made."""
    return {path: path.stat().st_mtime_ns for path in (out / "runs").rglob("*.json")}


@pytest.mark.slow
async def test_tune_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    tiny(tmp_path, SMALL)
    command = (WVA, *TUNE, "--trials", ENDLESS, "--jobs", "2")
    program = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stderr=subprocess.PIPE, start_new_session=True
    )
    assert program.stderr is not None
    # A line comes before each round; what the first one found is kept by the second.
    lines = [await asyncio.wait_for(program.stderr.readline(), 240) for _ in range(2)]
    os.killpg(program.pid, signal.SIGINT)
    lines.append((await asyncio.wait_for(program.communicate(), 60))[1])
    told = b"".join(lines).decode()
    assert (program.returncode, told.splitlines()[-1]) == (130, "wva: interrupted")
    *_, begun = re.findall(rf"hpa, trials \((\d+) of {ENDLESS}\)", told)
    trials = int(begun) + BATCH
    again = (*TUNE, "--trials", str(trials))
    kept = outcomes(tmp_path / "out")
    assert len(kept) >= 2 * BATCH, "what was found in the first round is lost"
    done = wva(tmp_path, *again, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert kept.items() < outcomes(tmp_path / "out").items()
    assert f"{trials} trials, medians of 2 seeds" in done.stdout
    assert "wva compare tiny.yaml --policy hpa=out/hpa.yaml" in done.stdout
    assert len(json.loads((tmp_path / "out" / "tune.json").read_text())["trials"]) == trials
    after = outcomes(tmp_path / "out")
    assert wva(tmp_path, *again).stdout == done.stdout
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

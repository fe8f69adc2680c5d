"""The commands about a running fleet, as a user meets them."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.fleets import fleet_text, program
from tests.waiting import until

WVA = Path(sys.executable).with_name("wva")


def wva(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "140"}
    return subprocess.run(
        [WVA, *arguments], cwd=directory, capture_output=True, text=True, check=False, env=environment, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status"], "no fleet runs in wva-run; start one with wva up"),
        (["pin", "v", "2", "--run", "gone"], "no fleet runs in gone"),
        (["up", "gone.yaml"], "fleet gone.yaml: no such file"),
        (["up", "--speed", "1000"], "fleet builtin: speed: must be less than or equal to 100"),
        (["explain"], "there is no journal or directory wva-run"),
    ],
)
def test_without_a_fleet_there_is_one_line_and_nothing_is_left(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = wva(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
async def test_a_running_fleet_is_looked_at_and_steered(tmp_path: Path) -> None:
    async with program(tmp_path, fleet_text(lowest=1, startup="1s")) as up:

        async def say(*arguments: str) -> subprocess.CompletedProcess[str]:
            return await asyncio.to_thread(wva, tmp_path, *arguments)

        pinned = await say("pin", "v", "2", "--run", "run")
        assert (pinned.returncode, pinned.stderr) == (0, "")
        told = await say("status", "run")
        for word in ("tests", "requests/s", "2 (pinned)", "v-1"):
            assert word in told.stdout
        assert (await say("pause", "run")).returncode == 0
        state = json.loads((await say("status", "run", "--json")).stdout)
        assert (state["paused"], state["pins"], state["speed"]) == (True, {"v": 2}, 10.0)
        assert (await say("resume", "run")).returncode == 0
        assert (await say("unpin", "v", "--run", "run")).returncode == 0
        wrong = await say("pin", "v", "9", "--run", "run")
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "v may have 1 to 3 replicas, so it cannot be held at 9" in wrong.stderr
        told = await say("explain", "run")
        assert "on a live fleet" in told.stdout
        assert "1 -> 2" in told.stdout
        await until(lambda: up.process.returncode is None)

"""Nothing of a fleet is left, however its program ends; the replica has a child in a session of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.local.fleets import COMMAND, ONE, children_of, fleet, is_alive, running
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="adopting orphans is Linux's")


@asynccontextmanager
async def parent(directory: Path, extra: str = "") -> AsyncIterator[tuple[asyncio.subprocess.Process, list[int]]]:
    """The program, once its replica is ready, and every process that it has."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.local.parent", str(directory), extra),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        await said(process, "ready")
        yield process, [*children_of(process.pid), *recorded(directory)]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def recorded(directory: Path) -> list[int]:
    """The server and its two children, as it wrote them down."""
    return [int(word) for word in (directory / "pids").read_text().split()]


async def said(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    assert (await process.stdout.readline()).decode().strip() == word


async def all_gone(processes: Sequence[int]) -> None:
    await until(lambda: not any(map(is_alive, processes)), lambda: f"{[p for p in processes if is_alive(p)]} are left")


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
async def test_nothing_is_left_after(tmp_path: Path, number: signal.Signals) -> None:
    async with parent(tmp_path) as (process, everything):
        assert len(everything) == 4
        assert all(map(is_alive, everything))
        process.send_signal(number)
        await process.wait()
        await all_gone(everything)
        assert process.returncode == (-number if number is signal.SIGKILL else 0)


@pytest.mark.slow
async def test_a_second_ctrl_c_kills_what_takes_its_time(tmp_path: Path) -> None:
    async with parent(tmp_path, "--stubborn") as (process, everything):
        process.send_signal(signal.SIGINT)
        await said(process, "stopping")
        await asyncio.sleep(0.2)
        assert all(map(is_alive, everything)), "the grace is ten minutes"
        process.send_signal(signal.SIGINT)
        await said(process, "stopped")
        await all_gone(everything)
        await process.wait()
        assert process.returncode == 0


async def test_a_crash_takes_the_children_along(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, command=f"{COMMAND} --children", variants=[ONE]), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        first = recorded(tmp_path)
        _kill(first[0])
        await until(lambda: rig.phases() == {"v-1": "starting"})
        await rig.until_phases(v_1="ready")
        assert not any(map(is_alive, first))


async def test_a_keeper_that_is_killed_takes_the_server_along(tmp_path: Path) -> None:
    async with running(fleet(tmp_path, command=f"{COMMAND}", variants=[ONE]), tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready")
        server, process = rig.process_id("v-1"), rig.replica("v-1").process
        assert process is not None
        _kill(process.keeper)
        await until(lambda: not is_alive(server))
        await until(lambda: rig.replica("v-1").reason == "killed by SIGKILL")


@pytest.mark.slow
async def test_a_second_signal_ends_at_once_what_has_nothing_to_put_in_order() -> None:
    script = """
import asyncio
from wva.local.signals import StopSignals
async def main():
    with StopSignals() as signals:
        print("ready", flush=True)
        print((await signals.wait()).name, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    await said(process, "ready")
    process.send_signal(signal.SIGTERM)
    await said(process, "SIGTERM")
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 128 + signal.SIGINT


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)

"""``wva emulate`` as a process: its start, its signals, its mistakes."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.emulator.servers import MODEL
from tests.waiting import free_port
from wva.cli.main import main

PROGRAM = Path(sys.executable).parent / "wva"
LONG = {"prompt": "x", "max_tokens": 100_000, "ignore_eos": True, "stream": True}


async def start(*options: str) -> asyncio.subprocess.Process:
    command = ["emulate", "--model", MODEL, "--accelerator", "H100-80GB", *options]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(PROGRAM, *command, stdout=pipe, stderr=pipe)


async def url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 120)).decode()
    assert "emulated" in line
    return line.split()[-1]


@asynccontextmanager
async def running(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, aiohttp.ClientSession]]:
    process = await start("--port", "0", *options)
    try:
        async with aiohttp.ClientSession(await url(process), timeout=aiohttp.ClientTimeout(30)) as session:
            yield process, session
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def end(process: asyncio.subprocess.Process) -> tuple[int, str]:
    _, told = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, told.decode()


@pytest.mark.slow
async def test_it_serves_until_told_to_end() -> None:
    async with running() as (process, session):
        async with session.post("/v1/completions", json={"prompt": "x", "max_tokens": 2}) as answer:
            assert answer.status == 200
        async with session.post("/v1/completions", json=LONG) as cut:
            await cut.content.readany()
            process.send_signal(signal.SIGTERM)
            *_, error, done, _ = (await cut.text()).split("\n\n")
            assert json.loads(error[6:])["error"]["code"] == 500
            assert done == "data: [DONE]"
        assert await end(process) == (0, "")


async def test_a_crash_resets_connections() -> None:
    async with running("--fault-crash-after-requests", "1") as (process, session):
        async with session.post("/v1/completions", json=LONG) as cut:
            assert b"choices" in await cut.content.readany()
            with pytest.raises(aiohttp.ClientError):
                await cut.read()
        assert (await end(process))[0] == 1


@pytest.mark.slow
async def test_nothing_listens_before_it_is_up() -> None:
    port = free_port()
    begun = time.monotonic()
    process = await start("--port", str(port), "--startup", "40s", "--fault-slow-start", "20s", "--speed", "10")
    try:
        served = asyncio.create_task(url(process))
        refused = 0
        while not served.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except ConnectionRefusedError:
                refused += 1
            await asyncio.sleep(0.05)
        await served
        # The system knows to a hundredth of a second when a process began.
        assert time.monotonic() - begun >= 6.0 - 0.02
        assert refused > 20
    finally:
        process.kill()
        await process.wait()


@pytest.mark.slow
async def test_it_can_be_ended_while_it_starts() -> None:
    process = await start("--port", "0", "--startup", "1h")
    # Signals count from when the program has set itself up, which the port being taken shows.
    await asyncio.sleep(0.1)
    for _ in range(600):
        if process.returncode is None and await has_sockets(process.pid):
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    process.send_signal(signal.SIGINT)
    assert (await end(process))[0] == 0


async def has_sockets(process: int) -> bool:
    return any(open_file(entry).startswith("socket:") for entry in Path(f"/proc/{process}/fd").iterdir())


def open_file(entry: Path) -> str:
    """What a process has open; nothing where it was closed since it was listed."""
    try:
        return os.readlink(entry)
    except FileNotFoundError:
        return ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--model", "nope"), "unknown model 'nope'"),
        (("--max-model-len", "10000000"), "max_model_len 10000000"),
        (("--startup", "soon"), "must be a duration"),
        (("--fault-hang", "always"), "--fault-hang"),
    ],
)
def test_a_mistake_is_one_line(
    options: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    required = ["--model", MODEL, "--accelerator", "H100-80GB", "--port", "0"]
    monkeypatch.setattr(sys, "argv", ["wva", "emulate", *required, *options])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert says in told.err
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_a_taken_port_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        test_a_mistake_is_one_line(
            ("--port", str(taken.getsockname()[1])), "Address already in use", monkeypatch, capsys
        )

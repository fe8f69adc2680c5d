"""``wva load`` from outside, against a real server."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from tests.gateway.rig import gateway_of
from tests.gateway.upstream import running, waits

WVA = Path(sys.executable).with_name("wva")

TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
    f"2023-11-16 18:00:0{second}.000,{tokens},3\n" for second, tokens in ((0, 5), (1, 600), (2, 40), (9, 7))
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "trace.csv").write_text(TRACE)
    return tmp_path


async def wva(place: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        WVA,
        *("load", *arguments),
        cwd=place,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_trace_through_a_gateway_to_a_report(place: Path) -> None:
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        done = await wva(place, "trace.csv", "--url", rig.url, "--speed", "20", "--duration", "5s", "--ttft", "20s")
        out, err = await done.communicate()
    assert (done.returncode, err.decode()) == (0, "")
    assert sorted(len(prompt) for prompt in server.prompts) == [5, 40, 600]
    results = json.loads((place / "wva-results" / "load-trace" / "results.json").read_text())
    numbers = results["policies"]["live"]["median"]
    assert (numbers["offered"], numbers["met"], results["window_s"]) == (3, 3, 5.0)
    for said in ("3 requests in 5 s", "100.0 %", "played 20 times faster", "the driver was", "results.json"):
        assert said in out.decode()


async def test_interrupted_it_reports_what_was(place: Path) -> None:
    async with running(waits) as server, gateway_of() as rig:
        rig.place(server)
        process = await wva(place, "trace.csv", "--url", rig.url, "--speed", "2", "--out", "mine")
        while server.at_once < 2:
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
    assert process.returncode == 130
    assert "incomplete" in out.decode()
    numbers = json.loads((place / "mine" / "results.json").read_text())["policies"]["live"]["median"]
    assert 2 <= numbers["offered"] == numbers["failed"]["incomplete"] < 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trace.csv"], "Missing option '--url'"),
        (["gone.csv", "--url", "http://127.0.0.1:9", "--model", "m"], "trace gone.csv: no such file"),
        (["trace.csv", "--url", "http://127.0.0.1:9"], "--url http://127.0.0.1:9: cannot be reached"),
        (["trace.csv", "--url", "x", "--speed", "0"], "--speed is 0; give a number above 0"),
        (["trace.csv", "--url", "x", "--prompts", "poems"], "--prompts is 'poems'; give ids or text"),
    ],
)
async def test_a_mistake_is_one_line_and_leaves_nothing(place: Path, arguments: list[str], said: str) -> None:
    done = await wva(place, *arguments)
    out, err = await done.communicate()
    assert (done.returncode, out) == (2, b"")
    assert said in err.decode()
    assert err.count(b"\n") == 1
    assert [path.name for path in place.iterdir()] == ["trace.csv"]

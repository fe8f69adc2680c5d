"""What real vLLM servers do when they sleep, hang, die, or lose whoever keeps them."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.live.fleets import Client, living, phases, program, until_ready
from tests.live.vllm import START_S, Place, engine_processes, needs_vllm, processes, vllm_place
from tests.local.fleets import is_alive
from tests.waiting import until
from wva.live.fleet import LiveRun
from wva.local.load import parse_fleet

pytestmark = [pytest.mark.slow, needs_vllm]

HUNG_S = 5.0
WATCHED = f"check: 1s\n  hung_after: {HUNG_S:g}s"
WORKLOAD = """
workload:
  - model: m
    synthetic:
      arrivals: poisson
      input_tokens: {uniform: {min: 50, max: 200}}
      output_tokens: {uniform: {min: 20, max: 100}}
      rate: [[0s, 2], [20s, 2]]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with vllm_place(tmp_path_factory.mktemp("vllm")) as made:
        yield made


async def test_one_that_sleeps_is_left_alone_and_one_that_hangs_or_dies_is_replaced(
    place: Place, tmp_path: Path
) -> None:
    spec = parse_fleet(place.fleet_text(lowest=1, replicas=WATCHED), "tests", tmp_path)
    async with living(spec, tmp_path / "run") as (run, client):
        await until_ready(run, 1, START_S)
        before = processes(run.body.replicas[0])
        await _sleeps_through_a_request(run, client)
        assert (phases(run), processes(run.body.replicas[0])) == ({"v-1": "ready"}, before)
        for number, why in ((signal.SIGSTOP, "hung: "), (signal.SIGKILL, "")):
            text, reason = await _cut_off(run, client, number)
            # Whoever was there is told so, in the stream.
            assert '"error"' in text
            assert reason.startswith(why)
            await _until_gone(before)
            await until_ready(run, 1, START_S)
            before = processes(run.body.replicas[0])
            assert (await client.ask())[0] == 200
        assert run.watch.now().models[0].failed == 2


async def _sleeps_through_a_request(run: LiveRun, client: Client) -> None:
    url = run.body.replicas[0].url
    async with client.http.post(f"{url}/sleep?level=1") as answer:
        assert answer.status == 200
    held = asyncio.create_task(client.ask())
    await asyncio.sleep(3 * HUNG_S)
    assert not held.done()
    async with client.http.post(f"{url}/wake_up") as answer:
        assert answer.status == 200
    assert (await held)[0] == 200


async def _cut_off(run: LiveRun, client: Client, number: signal.Signals) -> tuple[str, str]:
    """Send its engine a signal in the middle of a stream; return the stream, and why the replica starts again."""
    (replica,) = run.body.replicas
    begun = asyncio.Event()
    stream = asyncio.create_task(client.stream(4000, begun))
    await begun.wait()
    for process in engine_processes(replica):
        os.kill(process, number)
    await until(lambda: phases(run) == {"v-1": "starting"})
    reason = replica.reason
    assert reason is not None
    return await stream, reason


async def test_wva_up_serves_a_load_from_zero_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    async with program(tmp_path, place.fleet_text(more=WORKLOAD), "--once") as up, asyncio.timeout(START_S):
        await until(lambda: len(up.descendants()) > 4, patience_s=START_S)
        children = up.descendants()
        out, err = await up.process.communicate()
    assert (up.process.returncode, err) == (0, b""), out.decode()
    seen = json.loads((up.directory / "load" / "results.json").read_text())["policies"]["live"]["median"]
    assert seen["offered"] > 20
    assert seen["failed"]["sum"] == 0
    assert not any(map(is_alive, children))


async def test_nothing_of_a_server_outlives_a_fleet_that_is_killed(place: Place, tmp_path: Path) -> None:
    async with program(tmp_path, place.fleet_text()) as up, ClientSession() as http:
        assert (await Client(http, up.run["gateway_url"]).ask())[0] == 200
        children = up.descendants()
        # A keeper, the server that it keeps, and its engine.
        assert len(children) >= 3
        up.process.kill()
        await up.process.wait()
    await _until_gone(children)


async def _until_gone(processes: Sequence[int]) -> None:
    await until(
        lambda: not any(map(is_alive, processes)), lambda: f"{[one for one in processes if is_alive(one)]} are left"
    )

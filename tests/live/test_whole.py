"""A whole fleet, from nothing to nothing: what shows only when its parts meet."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.live.fleets import Client, fleet, fleet_text, living, phases, program, until_ready
from tests.local.fleets import is_alive
from tests.waiting import free_port, until
from wva.fleet.observation import Trigger
from wva.local.load import builtin_fleet
from wva.local.schema import FleetSpec, LocalGatewaySpec

pytestmark = pytest.mark.slow


async def test_the_first_request_is_held_decided_on_within_a_second_and_answered(tmp_path: Path) -> None:
    async with living(fleet(speed=1, startup="1s", interval="30s"), tmp_path) as (run, client):
        await until(lambda: run.loop.history)
        sent = run.watch.now().now
        answer = asyncio.create_task(client.ask())
        await until(lambda: len(run.loop.history) > 1)
        tick = run.loop.history[1]
        assert tick.trigger is Trigger.ARRIVAL_AT_ZERO
        assert 0 <= tick.time + tick.timings.observe_s + tick.timings.decide_s - sent < 1.0
        assert phases(run) == {"v-1": "starting"}
        status, body = await answer
        assert (status, body["usage"]["completion_tokens"]) == (200, 4)
        # While the replica came, nobody asked for further turns.
        assert len(run.loop.history) <= 4


@pytest.mark.parametrize("speed", [20.0])
async def test_the_built_in_fleet_lives_through_its_story_and_loses_nothing(speed: float, tmp_path: Path) -> None:
    built_in = builtin_fleet()
    # As much as a busy machine of two cores keeps up with.
    workload = tuple(entry.model_copy(update={"scale": 0.25}) for entry in built_in.workload)
    spec: FleetSpec = built_in.model_copy(
        update={"speed": speed, "workload": workload, "gateway": built_in.gateway.model_copy(update={"port": 0})}
    )
    assert isinstance(spec.gateway, LocalGatewaySpec)
    async with living(spec, tmp_path / "run", load=True) as (run, _):
        async with asyncio.timeout(150):
            await run.ended
        state = run.watch.now()
        counts = [
            sum(sum(count for phase, count in point.phases.items()) for point in tick.variants)
            for tick in run.watch.history
        ]
    (model,) = state.models
    assert (model.failed, model.offered) == (0, model.ended)
    assert model.met > 0
    # From nothing up, down to nothing in the quiet spell, and up again for the last call.
    first_up = next(index for index, count in enumerate(counts) if count)
    to_zero = next(index for index, count in enumerate(counts) if index > first_up and count == 0)
    assert max(counts[:to_zero]) >= 1
    assert any(counts[to_zero:])
    seen = json.loads((tmp_path / "run" / "load" / "results.json").read_text())["policies"]["live"]["median"]
    assert (seen["offered"], seen["failed"]["sum"]) == (model.offered, 0)


async def test_ctrl_c_leaves_nothing_and_says_what_it_came_to(tmp_path: Path) -> None:
    async with program(tmp_path, fleet_text(lowest=1), "--no-load") as up, ClientSession() as http:
        client = Client(http, up.run["gateway_url"])
        assert (await client.ask())[0] == 200
        begun = asyncio.Event()
        stream = asyncio.create_task(client.stream(3000, begun))
        await begun.wait()
        children = up.descendants()
        assert children
        up.process.send_signal(signal.SIGINT)
        out, err = await up.process.communicate()
        await stream
    assert (up.process.returncode, err) == (0, b"")
    for said in ("gateway", "wva explain run/journals", "tests ran for", "m: 2 requests"):
        assert said in out.decode()
    assert not any(is_alive(child) for child in children)
    assert not (up.directory / "run.json").exists()
    port = int(up.run["gateway_url"].rpartition(":")[2])
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    # A drain at the server's side that would take minutes.
    text = fleet_text(lowest=1, speed=1, startup="1s", replicas="stop_grace: 10m").replace("30s\n", "10m\n")
    async with program(tmp_path, text) as up, ClientSession() as http:
        client = Client(http, up.run["gateway_url"])
        await client.ask()
        children = up.descendants()
        async with asyncio.timeout(60):
            up.process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.2)
            up.process.send_signal(signal.SIGINT)
            await up.process.communicate()
    await until(lambda: not any(is_alive(child) for child in children))


async def test_killed_and_started_again_it_goes_on_where_it_was(tmp_path: Path) -> None:
    text = fleet_text(speed=10, startup="60s")
    async with program(tmp_path, text) as up, ClientSession() as http:
        headers = {"Authorization": f"Bearer {up.run['token']}"}
        pin = {"variant": "v", "count": 2}
        async with http.post(f"{up.run['control_url']}/api/pin", json=pin, headers=headers) as answer:
            assert answer.status == 200
        await until(lambda: len(up.descendants()) >= 4)
        children = up.descendants()
        up.process.kill()
        await up.process.wait()
    # Nothing outlives it, though it had no time for anything.
    await until(lambda: not any(is_alive(child) for child in children))
    began = time.monotonic()
    async with program(tmp_path, text) as up, ClientSession() as http:
        client = Client(http, up.run["gateway_url"])
        assert (await client.ask())[0] == 200
        async with http.get(f"{up.run['control_url']}/api/state") as got:
            state = await got.json()
        assert state["pins"] == {"v": 2}
        assert len(state["variants"][0]["replicas"]) == 2
        assert time.monotonic() - began < 60
        up.process.send_signal(signal.SIGINT)
        out, _ = await up.process.communicate()
    assert "goes on as it was told before: v pinned at 2" in out.decode()
    journals = sorted((tmp_path / "run" / "journals").glob("*.journal"))
    assert len(journals) == 2


async def test_a_port_that_is_taken_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    text = fleet_text(lowest=1)
    async with program(tmp_path, text) as up:
        port = up.run["gateway_url"].rpartition(":")[2]
        with pytest.raises(AssertionError, match=r"gateway: 127\.0\.0\.1:.* is taken; choose another") as said:
            async with program(tmp_path, text, "--port", port, "--out", "other"):
                pass
        assert str(said.value).count("\n") == 1
        with pytest.raises(AssertionError, match="a fleet runs there already"):
            async with program(tmp_path / "run" / "..", text):
                pass
    assert free_port()


async def test_replicas_that_drain_lose_no_request(tmp_path: Path) -> None:
    async with living(fleet(lowest=0, speed=10, startup="1s"), tmp_path) as (run, client):
        await run.loop.pin("v", 2)
        await until_ready(run, 2)
        begun = [asyncio.Event() for _ in range(8)]
        streams = [asyncio.create_task(client.stream(600, event)) for event in begun]
        for event in begun:
            await event.wait()
        await run.loop.pin("v", 1)
        await until(lambda: "draining" in phases(run).values())
        texts = await asyncio.gather(*streams)
        assert all(text.rstrip().endswith("data: [DONE]") for text in texts)
        await until(lambda: len(phases(run)) == 1)
        assert run.watch.now().models[0].failed == 0

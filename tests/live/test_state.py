"""The control API, from outside: what it tells, whom it lets change something, and how it says no."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.waiting import free_port
from wva.fleet.errors import UserError
from wva.fleet.readings import Endpoint
from wva.live.client import LiveClient, live_client
from wva.live.run_directory import RUN_FILE, RunFile, held_directory, read_run_file, write_run_file
from wva.live.server import ControlServer
from wva.live.state import LiveState, ModelState, TickState, VariantPoint

MODEL = ModelState("m", "shape", 0, 2.0, 0.1, 1.5, 3.0, 0, 0.7, None, offered=10, ended=8, met=6, failed=1)
POINT = VariantPoint(
    *("v", {"ready": 1, "starting": 0, "pending": 0, "draining": 0}, 1, 2.0, 0.0, 0.25, None),
    *(1, 2, {"hpa": 3}, ("more is asked",), ("grow",), "applied", None),
)
TICK = TickState(
    *(7, 1000.0, "interval", None, "applied", "v 1 -> 2: more is asked", True, 0.8, False, {}, {}, 4.0, {"hpa": 8.0}),
    *(None, (), (POINT,)),
)
STATE = LiveState(
    *("f", 1000.0, 900.0, 12.0, "http://127.0.0.1:8000", "run", "wva", ("hpa",), False, {}, {"journal": "disk full"}),
    *(4.0, 0.2, {"hpa": 8.0}, None, (MODEL,), (), False, 7, (TICK,)),
)


class Recorded:
    """A fleet that remembers what it was told."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, ...]] = []

    async def state(self) -> LiveState:
        return STATE

    async def ticks(self, since: int = 0) -> list[TickState]:
        return [replace(TICK, number=number) for number in (6, 7) if number > since]

    async def events(self) -> AsyncIterator[LiveState | TickState]:
        yield STATE
        yield TICK
        await asyncio.Event().wait()

    async def pause(self) -> None:
        self.orders.append(("pause",))

    async def resume(self) -> None:
        self.orders.append(("resume",))

    async def pin(self, variant: str, count: int) -> None:
        if variant != "v":
            raise UserError(f"there is no variant {variant!r}: choose one of v")
        self.orders.append(("pin", variant, str(count)))

    async def unpin(self, variant: str) -> None:
        self.orders.append(("unpin", variant))


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[tuple[Recorded, str, LiveClient]]:
    """A fleet with its API, and a client that found it through the run's directory."""
    fleet = Recorded()
    server = ControlServer(fleet, "secret", lambda: [Endpoint("v-1", "m", "v", "http://127.0.0.1:8101")])
    url = await server.start()
    with held_directory(directory):
        write_run_file(directory, RunFile("f", 1, url, "secret", "http://127.0.0.1:8000", "journals"))
        try:
            async with live_client(directory) as client:
                yield fleet, url, client
        finally:
            await server.stop()


async def test_a_client_sees_what_the_fleet_says_and_has_it_do_what_it_may(tmp_path: Path) -> None:
    async with served(tmp_path) as (fleet, _, client):
        state = await client.state()
        assert state == STATE
        assert state.models[0].attainment == 0.75
        assert [tick.number for tick in await client.ticks(6)] == [7]
        events = client.events()
        assert [await anext(events), await anext(events)] == [STATE, TICK]
        await client.pause()
        await client.resume()
        await client.pin("v", 2)
        await client.unpin("v")
        assert fleet.orders == [("pause",), ("resume",), ("pin", "v", "2"), ("unpin", "v")]
        with pytest.raises(UserError, match="there is no variant 'x': choose one of v"):
            await client.pin("x", 1)


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "said"),
    [
        ("pause", {}, None, 401, "token"),
        ("pause", {"Authorization": "Bearer wrong"}, None, 401, "token"),
        ("pin", {"Authorization": "Bearer secret"}, {"variant": "v", "count": -1}, 400, "count must be"),
        ("pin", {"Authorization": "Bearer secret"}, {"variant": "v", "count": True}, 400, "count must be"),
        ("pin", {"Authorization": "Bearer secret"}, {"count": 1}, 400, "variant must be a name"),
        ("pin", {"Authorization": "Bearer secret"}, ["v", 1], 400, "the body must be JSON"),
        ("nothing", {"Authorization": "Bearer secret"}, None, 404, "Not Found"),
    ],
)
async def test_what_may_not_be_is_one_line_and_changes_nothing(
    path: str, headers: dict[str, str], body: object, status: int, said: str, tmp_path: Path
) -> None:
    async with (
        served(tmp_path) as (fleet, url, _),
        ClientSession() as http,
        http.post(f"{url}/api/{path}", headers=headers, json=body) as answer,
    ):
        assert (answer.status, said in (await answer.json())["error"]) == (status, True)
        assert fleet.orders == []


async def test_prometheus_finds_the_replicas_there(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as (_, url, __),
        ClientSession() as http,
        http.get(f"{url}/api/targets") as answer,
    ):
        labels = {"model": "m", "variant": "v", "replica": "v-1"}
        assert await answer.json() == [{"targets": ["127.0.0.1:8101"], "labels": labels}]


async def test_without_a_fleet_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no fleet runs in .*; start one with wva up"):
        read_run_file(tmp_path)
    with held_directory(tmp_path):
        write_run_file(tmp_path, RunFile("f", 1, f"http://127.0.0.1:{free_port()}", "secret", "", "journals"))
        with pytest.raises(UserError, match="does not answer"):
            async with live_client(tmp_path) as client:
                await client.state()


def test_only_the_owner_reads_the_token_and_one_fleet_has_a_directory(tmp_path: Path) -> None:
    run = RunFile("f", 1, "http://127.0.0.1:1", "secret", "http://127.0.0.1:2", "journals")
    with held_directory(tmp_path / "new" / "run") as directory:
        write_run_file(directory, run)
        assert stat.S_IMODE((directory / RUN_FILE).stat().st_mode) == 0o600
        assert read_run_file(directory) == run
        with pytest.raises(UserError, match="a fleet runs there already"), held_directory(directory):
            pass
        assert read_run_file(directory) == run
    assert not (directory / RUN_FILE).exists()
    (directory / RUN_FILE).write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        read_run_file(directory)
    with held_directory(directory):
        # What an earlier process left when it was killed is nobody's.
        assert not (directory / RUN_FILE).exists()

"""A fleet of real vLLM servers, from the first request to nothing.

A start of vLLM takes half a minute, so one life of a fleet is lived once, and the tests look at what was seen of it.
"""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.emulator.pages import described, families, loaded_page
from tests.emulator.servers import http, serving
from tests.live.fleets import Client, living, phases, until_ready
from tests.live.tiny_model import LONGEST
from tests.live.vllm import BLOCK_TOKENS, BLOCKS, START_S, Place, needs_vllm, processes, vllm_place
from tests.local.fleets import is_alive
from tests.waiting import until
from wva.fleet.observation import Trigger
from wva.fleet.replica import InstanceMetrics
from wva.fleet.tick import Tick
from wva.live.fleet import LiveRun
from wva.local.load import parse_fleet
from wva.prometheus.exposition import engine_points
from wva.prometheus.families import EngineColumn
from wva.prometheus.points import engine_sample, kv_capacity, waiting_for_capacity

pytestmark = [pytest.mark.slow, needs_vllm]

CLIENTS = 128
"""More than a server has slots, so that some wait; together they take it several turns of the loop."""


@dataclass(frozen=True, slots=True)
class Drain:
    """One of two replicas leaves while each has streams."""

    answered: int
    """Status of its own answer to a further request while it drained: a server that was told to stop answers 500."""
    left_then: int
    """Streams that it still had after that."""
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Life:
    """What was seen of a fleet."""

    at_first: dict[str, str]
    """Replicas before anybody asked for anything."""
    first: tuple[int, Any]
    """The answer to the first request, and when it was given the replicas were these."""
    then: dict[str, str]
    page: str
    """A server's own metrics."""
    version: str
    texts: tuple[str, ...]
    """Answers to many clients at once."""
    drain: Drain
    failed: int
    """Requests that the gateway counts as failed."""
    history: tuple[Tick, ...]
    """Every turn of the loop, the last when nothing was left."""
    alive: tuple[int, ...]
    """Processes of servers that outlived the fleet."""

    def metrics(self) -> list[InstanceMetrics]:
        """What policies saw of servers, in turn."""
        seen = [tick.observation for tick in self.history if tick.observation is not None]
        instances = [one for each in seen for replica in each.variants[0].replicas for one in replica.instances]
        return [instance.metrics for instance in instances if instance.metrics is not None]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    directory = tmp_path_factory.mktemp("vllm")
    with vllm_place(directory) as place:
        yield asyncio.run(_live(place, directory / "run"))


async def _live(place: Place, directory: Path) -> Life:
    spec = parse_fleet(place.fleet_text(), "tests", directory)
    history: list[Tick] = []
    started: list[int] = []
    async with living(spec, directory) as (run, client):
        run.loop.subscribe(history.append)
        await until(lambda: history)
        at_first = phases(run)
        first, then = await client.ask(), phases(run)
        started += processes(run.body.replicas[0])
        page, version = await _look(run.body.replicas[0].url)
        texts = await asyncio.gather(*(client.stream(400) for _ in range(CLIENTS)))
        await _until_all_is_read(history)
        await run.loop.pin("v", 2)
        await until_ready(run, 2, START_S)
        started += processes(run.body.replicas[1])
        drain = await _drain_one(run, client)
        await run.loop.unpin("v")
        await until(lambda: not run.body.replicas, lambda: history[-1].plan, START_S)
        turns = len(history)
        await until(lambda: len(history) > turns)
        failed = run.watch.now().models[0].failed
    alive = tuple(filter(is_alive, started))
    return Life(at_first, first, then, page, version, tuple(texts), drain, failed, tuple(history), alive)


async def _look(url: str | None) -> tuple[str, str]:
    """A server's metrics after some load, and its version."""
    async with ClientSession(url) as http, http.get("/version") as answer:
        return await loaded_page(http), (await answer.json())["version"]


async def _until_all_is_read(history: list[Tick]) -> None:
    """Wait until the loop has seen a server with nothing left to do."""

    def at_rest() -> bool:
        seen = history[-1].observation
        assert seen is not None
        metrics = seen.variants[0].replicas[0].instances[0].metrics
        return metrics is not None and metrics.running == 0 and (metrics.requests_finished_total or 0) > CLIENTS

    await until(at_rest)


async def _drain_one(run: LiveRun, client: Client) -> Drain:
    # Of a replica that was never asked how loaded it is the gateway knows little.
    await until(lambda: all(one.running is not None for one in run.watch.now().variants[0].replicas))
    begun = [asyncio.Event() for _ in range(4)]
    streams = [asyncio.create_task(client.stream(2000, event)) for event in begun]
    for event in begun:
        await event.wait()
    await run.loop.pin("v", 1)
    await until(lambda: "draining" in phases(run).values())
    leaving = next(replica for replica in run.body.replicas if phases(run)[replica.id] == "draining")
    assert leaving.url is not None
    answered, _ = await Client(client.http, leaving.url).ask(1)
    left_then = next(one.in_flight for one in run.watch.now().variants[0].replicas if one.id == leaving.id)
    texts = await asyncio.gather(*streams)
    await until(lambda: len(run.body.replicas) == 1)
    return Drain(answered, left_then or 0, tuple(texts))


def test_the_first_request_starts_a_server_and_is_answered_by_it(life: Life) -> None:
    status, body = life.first
    assert (life.at_first, life.then) == ({}, {"v-1": "ready"})
    assert (status, body["usage"]["completion_tokens"]) == (200, 4)
    assert Trigger.ARRIVAL_AT_ZERO in [tick.trigger for tick in life.history]


def test_everything_that_is_read_is_on_its_page(life: Life) -> None:
    points = engine_points(life.page.encode())
    columns = engine_sample(points)
    assert [column.name for column in EngineColumn if math.isnan(columns[column])] == []
    assert kv_capacity(points) in (BLOCKS * BLOCK_TOKENS, (BLOCKS - 1) * BLOCK_TOKENS)
    assert waiting_for_capacity(points) is not None


def test_its_page_differs_from_the_emulators_in_values_alone(life: Life) -> None:
    if not life.version.startswith("0.32."):
        pytest.skip(f"the emulator shows what vLLM 0.32 does, and this is {life.version}")

    async def emulated() -> str:
        async with serving(max_model_len=LONGEST) as server, http(server) as session:
            return await loaded_page(session)

    real, ours = families(life.page), families(asyncio.run(emulated()))
    assert sorted(ours) == sorted(real)
    different = [name for name in real if described(ours[name]) != described(real[name])]
    assert different == [], [(described(ours[name]), described(real[name])) for name in different]


def test_many_clients_at_once_are_answered_and_policies_see_them(life: Life) -> None:
    assert all(whole(text) for text in life.texts)
    seen = life.metrics()
    assert max(metrics.running or 0 for metrics in seen) > 1
    assert max(metrics.waiting_max_1m or 0 for metrics in seen) > 0
    assert 0 < max(metrics.kv_usage_max_1m or 0 for metrics in seen) <= 1
    known_once = {
        field.name for field in fields(InstanceMetrics) for one in seen if getattr(one, field.name) is not None
    }
    assert known_once == {field.name for field in fields(InstanceMetrics)}


def test_a_replica_that_leaves_ends_its_streams_before_it_is_told_to_stop(life: Life) -> None:
    assert life.drain.answered == 200
    assert life.drain.left_then > 0
    assert all(whole(text) for text in life.drain.texts)
    assert life.failed == 0


def test_with_nothing_to_do_the_policy_goes_to_zero_and_nothing_is_left(life: Life) -> None:
    last = life.history[-1].observation
    assert last is not None
    assert (last.variants[0].desired, last.variants[0].replicas) == (0, ())
    assert not any(tick.pins for tick in life.history[-1:])
    assert life.alive == ()


def whole(text: str) -> bool:
    """Whether a stream came to its end: as many tokens as asked for, and no error."""
    return text.rstrip().endswith("data: [DONE]") and '"finish_reason":"length"' in text and '"error"' not in text

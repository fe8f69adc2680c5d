"""What a real API server does too rarely to wait for, by one that does as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from kubernetes_asyncio.client.configuration import Configuration

from tests.kubernetes import bodies
from tests.kubernetes.watching.watching import QUICK
from tests.waiting import until
from wva.control.clock import SystemClock
from wva.kubernetes.api.client import Api
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.feeds import feeds
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror
from wva.kubernetes.watching.reflector import Reflector
from wva.record.problems import Problems

Answer = tuple[int, dict[str, Any]]
GONE: Answer = (410, {"message": "the continue token is too old", "reason": "Expired"})
MISSING: Answer = (404, {"message": "no such kind"})
BROKEN: Answer = (500, {"message": "etcd is away"})
OUTDATED = b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old resource version"}}\n'


@dataclass
class Server:
    """Answers lists one after the other as the script says, the last again and again."""

    script: Iterator[Answer]
    watched: bytes
    """What every watch says before it ends at once."""
    last: Answer = BROKEN
    lists: list[dict[str, str]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    """From which watches went on."""

    @property
    def watches(self) -> int:
        """How many began."""
        return len(self.versions)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            self.versions.append(request.query["resourceVersion"])
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(self.watched)
            return response
        self.lists.append(dict(request.query))
        self.last = next(self.script, self.last)
        code, body = self.last
        return web.Response(status=code, text=json.dumps(body))


def page(version: int, *pods: tuple[str, int], token: str = "") -> Answer:
    """A list of pods with their own versions."""
    items = []
    for name, own in pods:
        body = bodies.pod(name, uid=str(own))
        body["metadata"]["resourceVersion"] = str(own)
        items.append(body)
    return 200, {"kind": "PodList", "metadata": {"resourceVersion": str(version), "continue": token}, "items": items}


@asynccontextmanager
async def reflecting(*script: Answer, watched: bytes = OUTDATED) -> AsyncIterator[tuple[Server, Mirror, Reflector]]:
    """A reflector of pods at work."""
    server = Server(iter(script), watched)
    app = web.Application()
    app.router.add_get("/api/v1/pods", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    way = Configuration()
    way.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    mirror, feed = Mirror(), next(each for each in feeds(Scope("wva")) if each.kind is Kind.POD)
    async with Api(way) as api:
        reflector = Reflector(api, feed, mirror, SystemClock(), QUICK, Problems(), lambda: None)
        task = asyncio.create_task(reflector.run())
        try:
            yield server, mirror, reflector
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await runner.cleanup()


def names(mirror: Mirror) -> set[str]:
    return {pod.name for pod in mirror.pods()}


async def test_what_has_to_begin_with_a_list_again_drops_what_is_not_in_it() -> None:
    async with reflecting(page(5, ("a", 1), ("b", 2)), page(9, ("b", 2), ("c", 7))) as (_, mirror, _):
        await until(lambda: names(mirror) == {"b", "c"})


async def test_pages_that_take_too_long_are_fewer_and_larger() -> None:
    first = page(5, ("a", 1), token="next")
    async with reflecting(first, GONE, page(8, ("b", 2)), watched=b"") as (server, mirror, reflector):
        await until(lambda: reflector.settled)
        assert names(mirror) == {"b"}
        limits = [int(query["limit"]) for query in server.lists]
        assert [query.get("continue") for query in server.lists] == [None, "next", None]
        assert limits[0] == limits[1] == QUICK.page_size < limits[2]


async def test_a_list_that_is_too_old_at_its_end_is_read_in_larger_pages_and_ever_less_often() -> None:
    async with reflecting(page(5)) as (server, _, _):
        await until(lambda: len(server.lists) >= 3)
        assert [int(query["limit"]) for query in server.lists[:3]] == [QUICK.page_size * 4**count for count in range(3)]


async def test_versions_that_begin_again_are_believed() -> None:
    async with reflecting(page(500, ("a", 400)), page(20, ("a", 10), ("b", 15))) as (_, mirror, _):
        await until(lambda: names(mirror) == {"a", "b"})


async def test_a_kind_that_is_missing_for_a_moment_stays_as_it_was() -> None:
    async with reflecting(page(5, ("a", 1)), MISSING, MISSING, page(6, ("a", 1), ("b", 6))) as (server, mirror, _):
        gone = list[str]()
        mirror.subscribe(lambda _, __, name, ___, new: gone.append(name) if new is None else None)
        await until(lambda: names(mirror) == {"a", "b"})
        assert gone == []
        assert len(server.lists) >= 4


async def test_nothing_settles_while_the_list_fails_and_its_age_is_unknown() -> None:
    async with reflecting(BROKEN, BROKEN, BROKEN, page(5, ("a", 1)), watched=b"") as (server, mirror, reflector):
        await until(lambda: len(server.lists) == 2)
        assert (reflector.settled, reflector.stale_for_s(), names(mirror)) == (False, None, set())
        await until(lambda: reflector.settled)
        assert names(mirror) == {"a"}


async def test_watches_that_end_at_once_are_not_begun_all_the_time() -> None:
    async with reflecting(page(5), watched=b"") as (server, _, _):
        await until(lambda: server.watches >= 1)
        began = asyncio.get_running_loop().time()
        await until(lambda: server.watches >= 5)
        assert asyncio.get_running_loop().time() - began > 3 * QUICK.first_pause_s
        assert len(server.lists) == 1


async def test_a_watch_goes_on_from_a_bookmark() -> None:
    mark = b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"900"}}}\n'
    async with reflecting(page(5), watched=mark) as (server, _, _):
        await until(lambda: server.watches >= 3)
        assert server.versions[:3] == ["5", "900", "900"]

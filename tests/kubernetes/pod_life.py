"""The life of one pod on a node, from its binding to its end, and what the API server is told of it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio.client.api_client import ApiClient

from tests.kubernetes.object_watch import Key, delete_now
from tests.kubernetes.pod_command import Served
from tests.kubernetes.pod_server import Pace, PodServer
from tests.kubernetes.pod_status import Seen, now, said_already, status
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import NAMESPACES, PODS

Body = dict[str, Any]
AGAIN_AFTER_S = 0.2


@dataclass(frozen=True, slots=True)
class Reach:
    """What a pod's life needs of the world."""

    api: Api
    client: ApiClient
    http: aiohttp.ClientSession
    logs: Path


class PodLife:
    """A pod whose server is a real process; ``run`` returns when nothing is left of it."""

    def __init__(self, pod: Body, serves: Served, ip: str, reach: Reach, pace: Pace) -> None:
        """``ip`` is the pod's own address on the loopback."""
        self.pod = pod
        self.ip = ip
        self._reach = reach
        self._pace = pace
        self._seen = Seen(serves.container)
        container = next(each for each in pod["spec"]["containers"] if each["name"] == serves.container)
        grace_s = float(pod["spec"].get("terminationGracePeriodSeconds", 30))
        self._server = PodServer(container, serves, self._seen, self.log, pace, grace_s)
        self._hook_s = _hook_s(container)
        self._leaving = asyncio.Event()
        self._gone = asyncio.Event()
        self._dirty = asyncio.Event()
        self._writing = asyncio.Lock()

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.pod["metadata"]["namespace"], self.pod["metadata"]["name"]

    @property
    def uid(self) -> str:
        """Tells it from another pod of the name."""
        return str(self.pod["metadata"]["uid"])

    @property
    def log(self) -> Path:
        """What its server prints."""
        return self._reach.logs / f"{self.key[0]}-{self.key[1]}-{self.uid[:8]}.log"

    def changed(self, pod: Body) -> None:
        """Take in the newest object: its deletion may have been asked for, or a readiness gate have opened."""
        self.pod = pod
        self._dirty.set()
        if pod["metadata"].get("deletionTimestamp"):
            self._leaving.set()

    def removed(self) -> None:
        """The object is gone: nobody is told any more, and what runs is killed."""
        self._gone.set()
        self._leaving.set()

    def crash(self) -> None:
        """Kill its processes, as a fault of theirs would."""
        self._server.kill()

    async def run(self) -> None:
        """Live until deleted, then end as told. Cancelled, it kills what runs."""
        if await self._comes_too_late():
            await self._leave()
            return
        telling = asyncio.create_task(self._tell())
        living = asyncio.create_task(self._live())
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait((living, leaving), return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                living.result()
            await _cancelled(living)
            grace_s = 0.0 if self._gone.is_set() else float(self.pod["metadata"].get("deletionGracePeriodSeconds") or 0)
            await self._server.stop(self._hook_s, grace_s, self._gone)
            await _cancelled(telling)
            await self._leave()
        finally:
            await _cancelled(living, leaving, telling)
            await self._server.stop(0.0, 0.0, self._gone)

    async def _comes_too_late(self) -> bool:
        """Whether its namespace is being deleted: a pod of a test that is over, and will be told to end in a moment."""
        with suppress(ApiError):
            namespace = await self._reach.api.read(NAMESPACES, None, self.key[0])
            return "deletionTimestamp" in namespace["metadata"]
        return False

    async def _live(self) -> None:
        self._seen.began = now()
        self._dirty.set()
        await asyncio.sleep(self._pace.pull_s)
        self._seen.ip = self.ip
        await self._server.run(self.ip, self._reach.http, self._dirty.set)

    async def _leave(self) -> None:
        """Say that the server has ended, then take the object away."""
        while not self._gone.is_set():
            await self._write()
            if await delete_now(self._reach.client, PODS, self.key, self.uid):
                return
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _tell(self) -> None:
        """Keep the API server informed."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            if not await self._write():
                await asyncio.sleep(AGAIN_AFTER_S)
                self._dirty.set()

    async def _write(self) -> bool:
        """Write the status where it says something new; whether nothing is left to write."""
        body = status(self.pod, self._seen)
        if said_already(self.pod, body):
            return True
        metadata = {"resourceVersion": self.pod["metadata"]["resourceVersion"], "uid": self.uid}
        try:
            self.pod = await self._reach.api.patch(PODS, *self.key, {"metadata": metadata, "status": body}, "status")
        except ApiError as error:
            if error.missing:
                return True
            with suppress(ApiError):
                newest = await self._reach.api.read(PODS, *self.key)
                if newest["metadata"]["uid"] == self.uid:
                    self.changed(newest)
            return False
        return True


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _hook_s(container: Body) -> float:
    """How long the preStop hook takes: a sleep, in any of the ways in which people write it."""
    hook = (container.get("lifecycle") or {}).get("preStop") or {}
    if "sleep" in hook:
        return float(hook["sleep"]["seconds"])
    words = " ".join((hook.get("exec") or {}).get("command") or ()).split()
    place = next((place for place, word in enumerate(words) if word.rpartition("/")[2] == "sleep"), None)
    return 0.0 if place is None else float(words[place + 1])

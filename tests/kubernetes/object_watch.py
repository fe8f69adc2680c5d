"""What kubelets and routers need of the API server beside single requests: to follow objects, and to delete at once."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio.client.api_client import ApiClient

from wva.kubernetes.api.client import configuration
from wva.kubernetes.api.resource import Resource

Body = dict[str, Any]
Key = tuple[str, str]
AGAIN_AFTER_S = 0.2
TIMEOUT_S = 10.0


class Watcher:
    """Follows all objects of a kind through every break of the connection."""

    def __init__(self, client: ApiClient, resource: Resource, selector: dict[str, str] | None = None) -> None:
        """``selector`` goes into the query, as ``labelSelector``."""
        self._client = client
        self._path = resource.path()
        self._selector = selector or {}
        self.objects: dict[Key, Body] = {}
        """As last seen, by namespace and name."""

    async def run(self, on_change: Callable[[Key, Body | None], None]) -> None:
        """Tell of each object that is new or changed, and with ``None`` of each that is gone, until cancelled."""
        while True:
            with suppress(aiohttp.ClientError, OSError, TimeoutError, ValueError):
                await self._follow(on_change)
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _follow(self, on_change: Callable[[Key, Body | None], None]) -> None:
        """List, then watch until the connection or the resource version ends."""
        listed = await self._listed()
        found = {_key(body): body for body in listed.get("items") or ()}
        for key in self.objects.keys() - found.keys():
            self._set(key, None, on_change)
        for key, body in found.items():
            if self.objects.get(key) != body:
                self._set(key, body, on_change)
        query = {**self._selector, "watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
        response = await self._get(query, None)
        try:
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                gone = event["type"] == "DELETED"
                self._set(_key(event["object"]), None if gone else event["object"], on_change)
        finally:
            response.close()

    async def _listed(self) -> Body:
        response = await self._get(self._selector, TIMEOUT_S)
        found = json.loads(await response.read())
        if response.status != 200:
            raise ValueError(found)
        assert isinstance(found, dict)
        return found

    async def _get(self, query: dict[str, str], timeout_s: float | None) -> aiohttp.ClientResponse:
        # Without a limit of its own a silent watch is given up after five minutes.
        limit = aiohttp.ClientTimeout(timeout_s)
        found: aiohttp.ClientResponse = await self._client.call_api(
            self._path, "GET", query_params=list(query.items()), header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"], _preload_content=False, _request_timeout=limit,
        )  # fmt: skip
        return found

    def _set(self, key: Key, body: Body | None, on_change: Callable[[Key, Body | None], None]) -> None:
        if body is None:
            self.objects.pop(key, None)
        else:
            self.objects[key] = body
        on_change(key, body)


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[ApiClient]:
    """A connection as the kubeconfig says."""
    async with ApiClient(await configuration(kubeconfig)) as client:
        yield client


async def delete_now(client: ApiClient, resource: Resource, key: Key, uid: str) -> bool:
    """Remove an object without any grace, if it is still the same one; whether it is gone."""
    options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
    with suppress(aiohttp.ClientError, OSError, TimeoutError):
        response = await client.call_api(
            resource.path(*key), "DELETE", header_params={"Content-Type": "application/json"}, body=options,
            auth_settings=["BearerToken"], _preload_content=False, _request_timeout=TIMEOUT_S,
        )  # fmt: skip
        await response.read()
        return response.status in (200, 202, 404, 409)
    return False


def _key(body: Body) -> Key:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]

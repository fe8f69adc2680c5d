"""A real Prometheus that finds pods as a PodMonitor has it do.

Debian's is built without discovery by the API server, so the list comes over HTTP from here.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.kubernetes.fleet_kit import MODEL_LABEL
from tests.kubernetes.object_watch import Watcher, connected
from tests.kubernetes.waiting import until
from tests.prometheus.servers import configured_prometheus, serving
from wva.kubernetes.api.resource import PODS


class Monitoring:
    """A Prometheus that runs."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        """``url`` is the base of its addresses."""
        self.url = url
        self._http = http

    async def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that the expression gives now."""
        async with self._http.get(f"{self.url}/api/v1/query", params={"query": expression}) as response:
            found = await response.json()
        assert found["status"] == "success", found
        return [(each["metric"], float(each["value"][1])) for each in found["data"]["result"]]

    async def scraped(self, pods: int, namespace: str) -> None:
        """Wait until so many of a namespace's pods are scraped, and no others."""

        async def all_up() -> bool:
            values = [value for _, value in await self.query(f'up{{job="pods",namespace="{namespace}"}}')]
            return values == [1.0] * pods

        await until(all_up, f"{pods} pods scraped")


@asynccontextmanager
async def monitoring(
    directory: Path,
    kubeconfig: Path,
    namespaces: Collection[str],
    others: Mapping[str, str] | None = None,
    port: int | None = None,
) -> AsyncIterator[Monitoring]:
    """Scrape the model servers in these namespaces once a second, and ``others``, addresses by the job's name.

    A pod's series have the labels ``namespace`` and ``pod``; those of others are in the namespace ``monitoring``, so
    that a label ``namespace`` of their own becomes ``exported_namespace``.
    """
    async with connected(kubeconfig) as client:
        watcher = Watcher(client, PODS)
        following = asyncio.create_task(watcher.run(lambda *_: None))

        async def targets(_: web.Request) -> web.Response:
            pods = (pod for (namespace, _), pod in watcher.objects.items() if namespace in namespaces)
            return web.json_response([target for pod in pods for target in _targets(pod)])

        try:
            async with (
                serving(targets, "/pods") as list_url,
                aiohttp.ClientSession() as http,
                configured_prometheus(directory, _configuration(f"{list_url}/pods", others or {}), port) as url,
            ):
                yield Monitoring(url, http)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _targets(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Each port of a model server's pod that runs."""
    metadata, status = pod["metadata"], pod["status"]
    if MODEL_LABEL not in (metadata.get("labels") or {}) or status.get("phase") != "Running":
        return []
    labels = {"namespace": metadata["namespace"], "pod": metadata["name"]}
    ports = (port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or ())
    return [{"targets": [f"{status['podIP']}:{port}"], "labels": labels} for port in ports]


def _configuration(list_url: str, others: Mapping[str, str]) -> dict[str, Any]:
    pods = {"job_name": "pods", "http_sd_configs": [{"url": list_url, "refresh_interval": "1s"}]}
    labels = {"namespace": "monitoring"}
    static = [
        {"job_name": name, "static_configs": [{"targets": [url.partition("//")[2]], "labels": labels}]}
        for name, url in others.items()
    ]
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [pods, *static]}

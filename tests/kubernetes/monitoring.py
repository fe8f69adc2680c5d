"""A real Prometheus that finds pods through the API server, as the Prometheus Operator's PodMonitors have it do."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.kubernetes.fleet_kit import MODEL_LABEL
from tests.kubernetes.waiting import until
from tests.prometheus.servers import configured_prometheus

_MODEL_META = f"__meta_kubernetes_pod_label_{MODEL_LABEL.translate(str.maketrans('.-/', '___'))}"


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
    directory: Path, kubeconfig: Path, namespaces: Sequence[str], others: Mapping[str, str] | None = None
) -> AsyncIterator[Monitoring]:
    """Scrape the model servers in these namespaces once a second, and ``others``, addresses by the job's name.

    A pod's series have the labels ``namespace`` and ``pod``; those of others are in the namespace ``monitoring``, so
    that a label ``namespace`` of their own becomes ``exported_namespace``.
    """
    jobs = [_pods(kubeconfig, namespaces), *(_other(name, url) for name, url in (others or {}).items())]
    settings = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    async with (
        aiohttp.ClientSession() as http,
        configured_prometheus(directory, {"global": settings, "scrape_configs": jobs}) as url,
    ):
        yield Monitoring(url, http)


def _pods(kubeconfig: Path, namespaces: Sequence[str]) -> dict[str, Any]:
    found = {"role": "pod", "kubeconfig_file": str(kubeconfig), "namespaces": {"names": list(namespaces)}}
    relabel = [
        {"source_labels": [_MODEL_META, "__meta_kubernetes_pod_phase"], "regex": ".+;Running", "action": "keep"},
        {"source_labels": ["__meta_kubernetes_pod_container_port_number"], "regex": r"\d+", "action": "keep"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
    ]
    return {"job_name": "pods", "kubernetes_sd_configs": [found], "relabel_configs": relabel}


def _other(name: str, url: str) -> dict[str, Any]:
    target = {"targets": [url.partition("//")[2]], "labels": {"namespace": "monitoring"}}
    return {"job_name": name, "static_configs": [target]}

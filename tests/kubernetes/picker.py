"""A gateway in front of a model's pods, in the place of llm-d's endpoint picker: it routes, holds, and shows queues.

Like the picker it follows the pods that the pool's selector finds, not Endpoints: the API server takes no addresses of
the loopback into those.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import LLAMA, MODEL_LABEL, inference_pool
from tests.kubernetes.node_agent import ADDRESS, OWN, OWN_LABEL
from tests.kubernetes.object_watch import Key, Watcher, connected
from wva.control.clock import SystemClock
from wva.fleet.readings import Endpoint
from wva.gateway.backend import Backend
from wva.gateway.server import Gateway
from wva.gateway.settings import GatewaySettings, Queue, ServedModel
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import PODS
from wva.prometheus.scraper import Scraper, ScraperSettings

Body = dict[str, Any]
METRICS_PORT = 9090
SERVER_PORT = 8000
READ_EVERY_S = 0.1


class Picker:
    """A gateway that runs; ``picker`` makes one."""

    def __init__(self, gateway: Gateway, scraper: Scraper, namespace: str, label: str, model: str) -> None:
        """It serves ``model`` by the pods of its namespace whose model label is ``label``."""
        self.gateway = gateway
        self.url = ""
        """Base of its addresses, for clients and for ``/metrics``."""
        self._scraper = scraper
        self._namespace = namespace
        self._label = label
        self._model = model
        self._backends: dict[Key, Backend] = {}

    @property
    def backends(self) -> tuple[str, ...]:
        """Names of the pods that get requests."""
        return tuple(backend.instance for backend in self._backends.values())

    def seen(self, key: Key, pod: Body | None) -> None:
        """A pod is new, changed or gone."""
        before = dict(self._backends)
        self._backends.pop(key, None)
        if pod is not None and self._serves(pod):
            instance = pod["metadata"]["name"]
            url = f"http://{pod['status']['podIP']}:{SERVER_PORT}"
            self._backends[key] = Backend(instance, pod["metadata"]["labels"].get("app", ""), url, cost_s=1.0)
        if self._backends != before:
            self.gateway.place(self._model, tuple(self._backends.values()))
            self._scraper.follow(
                [Endpoint(each.instance, self._model, each.variant, each.url) for each in self._backends.values()]
            )

    def _serves(self, pod: Body) -> bool:
        metadata, conditions = pod["metadata"], pod["status"].get("conditions") or ()
        return (
            metadata["namespace"] == self._namespace
            and (metadata.get("labels") or {}).get(MODEL_LABEL) == self._label
            and not metadata.get("deletionTimestamp")
            and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        )


@asynccontextmanager
async def picker(
    api: Api, kubeconfig: Path, namespace: str, *, model: str = LLAMA, label: str = "llama", name: str = "picker",
    settings: GatewaySettings | None = None, pool_version: str = "v1alpha2", read_every_s: float = READ_EVERY_S,
    node: Mapping[str, str] | None = None,
) -> AsyncIterator[Picker]:  # fmt: skip
    """Serve a model through a gateway that is in the cluster as a pod, a Service and an InferencePool of its own.

    The pod needs a node of an agent, one with the labels ``node`` if given, and the kind ``InferencePool`` must
    be defined.
    """
    settings = settings or GatewaySettings(queue=Queue.GATEWAY)
    gateway = Gateway([ServedModel(model)], replace(settings, pool=f"{name}-pool"))
    scraper = Scraper(SystemClock(), None, ScraperSettings(interval_s=read_every_s), gateway.read)
    found = Picker(gateway, scraper, namespace, label, model)
    address = f"127.254.{secrets.randbelow(250) + 1}.{secrets.randbelow(250) + 1}"
    found.url = await gateway.start(address, METRICS_PORT)
    async with connected(kubeconfig) as client, scraper:
        following = asyncio.create_task(Watcher(client, PODS).run(found.seen))
        try:
            pool = inference_pool(f"{name}-pool", label, name, pool_version)
            await apply(api, namespace, _pod(name, address, node or {}), _service(name), pool)
            yield found
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await gateway.stop()


def _pod(name: str, address: str, node: Mapping[str, str]) -> Body:
    container = {
        "name": "epp",
        "image": "ghcr.io/llm-d/llm-d-inference-scheduler:v0.7.0",
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT}],
    }
    metadata = {"name": name, "labels": {"app": name}, "annotations": {ADDRESS: address}}
    spec = {"containers": [container], "nodeSelector": {OWN_LABEL: OWN, **node}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _service(name: str) -> Body:
    ports = [
        {"name": "grpc-ext-proc", "port": 9002, "targetPort": 9002},
        {"name": "http-metrics", "port": METRICS_PORT, "targetPort": "metrics"},
    ]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}

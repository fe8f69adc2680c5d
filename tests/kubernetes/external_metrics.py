"""The metrics adapter between Prometheus and the HPA: the aggregated API ``external.metrics.k8s.io``."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.kubernetes.accounts import bound
from tests.kubernetes.apply import apply, resource_of
from tests.kubernetes.monitoring import Monitoring
from tests.kubernetes.waiting import until
from tests.prometheus.servers import certificate
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError

GROUP, VERSION = "external.metrics.k8s.io", "v1beta1"
OTHERS_LIMIT_S = 300.0
"""How long a test may have the adapter."""
_SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "external-metrics"},
    "spec": {"type": "ExternalName", "externalName": "localhost"},
}
"""Leads the API server to this machine."""


@asynccontextmanager
async def external_metrics(api: Api, namespace: str, source: Monitoring, directory: Path) -> AsyncIterator[None]:
    """Answer for external metrics with Prometheus' newest values of the series that a selector names.

    There is one such API in a cluster, so only one test at a time can have it; others wait here.
    """
    cert, key = certificate(directory / "adapter", "localhost")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    runner = web.AppRunner(_application(source), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    registration = _registration(namespace, runner.addresses[0][1])
    # What is not of the namespace goes at the end: the registration left behind would keep every namespace from ending.
    of_the_cluster = (registration, *_allowed())
    await until(lambda: _free(api, registration), "no other test has the adapter", OTHERS_LIMIT_S)
    try:
        await apply(api, namespace, _SERVICE, *of_the_cluster)
        await until(lambda: _available(api, registration), "the adapter is available")
        yield
    finally:
        for body in of_the_cluster:
            with suppress(ApiError):
                await api.delete(resource_of(body), None, body["metadata"]["name"])
        await runner.cleanup()


def _application(source: Monitoring) -> web.Application:
    base = f"/apis/{GROUP}/{VERSION}"

    async def discovered(_: web.Request) -> web.Response:
        kinds = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/{VERSION}", "resources": []}
        return web.json_response(kinds)

    async def values(request: web.Request) -> web.Response:
        name = request.match_info["metric"]
        series = await source.query(f"{name}{{{_matchers(request.query.get('labelSelector', ''))}}}")
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        items = [
            {"metricName": name, "metricLabels": labels, "timestamp": moment, "value": f"{value:f}"}
            for labels, value in series
        ]
        kind = {"kind": "ExternalMetricValueList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {}}
        return web.json_response({**kind, "items": items})

    application = web.Application()
    application.router.add_get(base, discovered)
    application.router.add_get(f"{base}/namespaces/{{namespace}}/{{metric}}", values)
    return application


def _matchers(selector: str) -> str:
    """Prometheus' form of a label selector of equalities."""
    pairs = (each.partition("=") for each in selector.split(",") if each)
    return ",".join(f'{name}="{value}"' for name, _, value in pairs)


def _registration(namespace: str, port: int) -> dict[str, Any]:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{VERSION}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "version": VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"namespace": namespace, "name": _SERVICE["metadata"]["name"], "port": port},
        },
    }


def _allowed() -> tuple[dict[str, Any], dict[str, Any]]:
    """The HPA controller's right to read external metrics, which comes with an adapter, not with Kubernetes."""
    rule = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list"]}
    subject = {"kind": "ServiceAccount", "namespace": "kube-system", "name": "horizontal-pod-autoscaler"}
    return bound("Cluster", "external-metrics-reader", [rule], subject)


async def _free(api: Api, registration: dict[str, Any]) -> bool:
    try:
        await api.read(resource_of(registration), None, registration["metadata"]["name"])
    except ApiError as error:
        return error.missing
    return False


async def _available(api: Api, registration: dict[str, Any]) -> bool:
    found = await api.read(resource_of(registration), None, registration["metadata"]["name"])
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Available" and each["status"] == "True" for each in conditions)

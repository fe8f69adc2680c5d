"""The controller as it is installed, with its own account: it is refused nothing, and asks for nothing in vain."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.kubernetes.accounts import service_account
from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.rights import compare, recorded
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import STRATEGIC_MERGE_PATCH, Api
from wva.kubernetes.api.resource import DEPLOYMENTS, PODS, VARIANT_AUTOSCALINGS
from wva.kubernetes.controller import run_controller
from wva.kubernetes.manifests.installation import METRICS_READER, Installation
from wva.kubernetes.manifests.rights import rights
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE
from wva.kubernetes.orders import ACT, PIN
from wva.kubernetes.scope import INSTANCE
from wva.kubernetes.serving.serve import Ports
from wva.kubernetes.settings_source import parse_settings

ENVIRONMENT = {
    "METRICS_BIND_ADDRESS": "127.0.0.1:0",
    "HEALTH_PROBE_BIND_ADDRESS": "127.0.0.1:0",
    "LEADER_ELECTION_LEASE_DURATION": "3s",
    "LEADER_ELECTION_RENEW_DEADLINE": "2s",
    "LEADER_ELECTION_RETRY_PERIOD": "300ms",
    "GLOBAL_OPT_INTERVAL": "1s",
}
SELDOM = {
    ("patch", "events"), ("create", "events"),
    ("get", "statefulsets/scale"), ("patch", "statefulsets/scale"), ("patch", "configmaps"), ("get", "/metrics"),
    ("list", "scaledobjects"), ("list", "inferencepools"),
}  # fmt: skip
"""What is used only for what happens again, and for kinds that are not here."""


@pytest.mark.slow
async def test_it_keeps_to_its_rights(api: Api, installed: Installation, kubeconfig: Path, tmp_path: Path) -> None:
    home, name = installed.namespace, installed.name("controller")
    only = home if installed.namespaced else None
    gated = vllm("llama", pod={"readinessGates": [{"conditionType": SERVING_GATE}]})
    await apply(api, home, gated, _declared(installed))
    account = await service_account(api, kubeconfig, tmp_path, home, name, [])
    given = {"POD_NAMESPACE": home, "WATCH_NAMESPACE": only or "", "CONTROLLER_INSTANCE": installed.instance or ""}
    if installed.lease:
        given["LEADER_ELECTION_ID"] = installed.lease
    settings = parse_settings({}, {**ENVIRONMENT, **given}).settings
    stop, ports = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with recorded(account.kubeconfig, tmp_path) as recording:
        controller = asyncio.create_task(
            run_controller(settings, stop, kubeconfig=recording.kubeconfig, on_ready=ports.set_result)
        )
        await until(lambda: _acted(api, home), "its count is written and its status says so")
        await _becomes_ready(api, home)
        await api.patch(VARIANT_AUTOSCALINGS, home, "llama", {"metadata": {"annotations": {PIN: "1"}}})
        await until(lambda: _drains(api, home), "a pod drains")
        await _metrics_are_read(api, kubeconfig, tmp_path, home, await ports)
        stop.set()
        await asyncio.wait_for(controller, 30)
    found = compare(recording.uses, rights(installed.instance, installed.lease), home, only)
    # Nodes are asked for where they may not be seen: an administrator may have allowed it.
    assert {use for use in (*recording.refused, *found.missing) if use.resource != "nodes"} == set()
    assert bool(recording.refused) is installed.namespaced
    assert {(verb, what) for verb, _, what in found.unused if verb != "watch"} <= SELDOM


def _declared(installed: Installation) -> dict[str, Any]:
    """A variant that WVA acts on, held at two."""
    body = variant_autoscaling("llama", "llama")
    labels = {INSTANCE: installed.instance} if installed.instance else {}
    about = {**body["metadata"], "labels": labels, "annotations": {ACT: "direct", PIN: "2"}}
    return {**body, "metadata": about, "spec": {**body["spec"], "maxReplicas": 4}}


async def _acted(api: Api, namespace: str) -> bool:
    target = await api.read(DEPLOYMENTS, namespace, "llama")
    declared = await api.read(VARIANT_AUTOSCALINGS, namespace, "llama")
    return bool(target["spec"]["replicas"] == 2 and (declared.get("status") or {}).get("conditions"))


async def _becomes_ready(api: Api, namespace: str) -> None:
    """What a kubelet would say of the pods."""
    for pod in await api.list(PODS, namespace, "app=llama"):
        conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Ready")]
        body = {"status": {"phase": "Running", "podIP": "127.0.0.1", "conditions": conditions}}
        await api.patch(PODS, namespace, pod["metadata"]["name"], body, "status", STRATEGIC_MERGE_PATCH)


async def _drains(api: Api, namespace: str) -> bool:
    pods = await api.list(PODS, namespace, "app=llama")
    return any(DRAINING in (pod["metadata"].get("annotations") or {}) for pod in pods)


async def _metrics_are_read(api: Api, kubeconfig: Path, directory: Path, namespace: str, ports: Ports) -> None:
    """By Prometheus' account, once it is bound as the page about installing says."""
    reader = await service_account(api, kubeconfig, directory, namespace, "prometheus", [])
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"reader-{namespace}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": METRICS_READER},
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": "prometheus"}],
    }
    await apply(api, None, binding)

    async def read() -> bool:
        headers = {"Authorization": f"Bearer {reader.token}"}
        url = f"https://127.0.0.1:{ports.metrics}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=False, headers=headers) as answer:
            return answer.status == 200 and "wva_desired_replicas" in await answer.text()

    await until(read, "the metrics, by an account that was refused a moment ago or not")

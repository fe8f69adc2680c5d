"""Pods of a real control plane that run as emulated model servers: what the tests of the controller stand on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import LLAMA, vllm
from tests.kubernetes.node_agent import NodeAgent, node_agent
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import DEPLOYMENTS, PODS

pytestmark = pytest.mark.slow


@pytest.fixture
async def agent(kubeconfig: Path, tmp_path: Path) -> AsyncIterator[NodeAgent]:
    async with node_agent(kubeconfig, tmp_path / "logs") as found:
        yield found


async def ready_pods(api: Api, namespace: str, count: int) -> list[dict[str, Any]]:
    """The pods once so many of a Deployment's are ready and no others are there."""

    async def looked() -> list[dict[str, Any]]:
        pods = await api.list(PODS, namespace)
        ready = [pod for pod in pods if condition(pod, "Ready") == "True"]
        return list(ready) if len(ready) == len(pods) == count else []

    return await until(looked, f"{count} ready pods", 60.0)


def condition(pod: dict[str, Any], kind: str) -> str | None:
    return next((each["status"] for each in pod["status"].get("conditions") or () if each["type"] == kind), None)


async def ask(pod: dict[str, Any]) -> dict[str, Any]:
    asked = {"model": LLAMA, "prompt": "Hi", "max_tokens": 3}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://{pod['status']['podIP']}:8000/v1/completions", json=asked) as response,
    ):
        found = await response.json()
        assert isinstance(found, dict)
        return found


async def test_a_deployment_serves_shrinks_and_restarts_what_crashes(
    api: Api, namespace: str, agent: NodeAgent
) -> None:
    await apply(api, namespace, vllm("llama", replicas=2))
    pods = await ready_pods(api, namespace, 2)
    assert {(await ask(pod))["usage"]["completion_tokens"] for pod in pods} == {3}
    assert (await api.read(DEPLOYMENTS, namespace, "llama"))["status"]["readyReplicas"] == 2

    await api.patch(DEPLOYMENTS, namespace, "llama", {"spec": {"replicas": 1}})
    (left,) = await ready_pods(api, namespace, 1)
    name = left["metadata"]["name"]

    agent.crash(name)

    async def restarted() -> dict[str, Any] | None:
        (pod,) = await api.list(PODS, namespace)
        (server,) = pod["status"]["containerStatuses"]
        return server if server["restartCount"] == 1 and server["ready"] else None

    server = await until(restarted, "the crashed server is back", 60.0)
    assert server["lastState"]["terminated"]["exitCode"] == 137
    assert (await ask(left))["choices"]

"""Pods of a real control plane that run as emulated model servers: what the tests of the controller stand on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.fleet_kit import LLAMA, vllm
from tests.kubernetes.node_agent import A100, AgentSettings, NodeAgent, node_agent
from tests.kubernetes.object_watch import Watcher, connected
from tests.kubernetes.pod_command import EMULATE
from tests.kubernetes.pod_server import Pace
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import DEPLOYMENTS, PODS

pytestmark = [pytest.mark.slow, pytest.mark.stops]


@pytest.fixture
async def agent(kubeconfig: Path, tmp_path: Path) -> AsyncIterator[NodeAgent]:
    async with node_agent(kubeconfig, tmp_path / "logs") as found:
        yield found


async def ready_pods(api: Api, namespace: str, count: int) -> list[dict[str, Any]]:
    """The pods once so many are ready and no others are there."""

    async def looked() -> list[dict[str, Any]]:
        pods = list(await api.list(PODS, namespace))
        return pods if len(pods) == count and all(condition(pod, "Ready") == "True" for pod in pods) else []

    return await until(looked, f"{count} ready pods", 60.0) if count else []


def condition(pod: dict[str, Any], kind: str) -> str | None:
    return next((each["status"] for each in pod["status"].get("conditions") or () if each["type"] == kind), None)


async def the_pod(api: Api, namespace: str) -> dict[str, Any]:
    """The only pod, once it is there."""
    (pod,) = await until(lambda: api.list(PODS, namespace), "a pod")
    return pod


async def server(api: Api, namespace: str) -> dict[str, Any]:
    """What the only pod's status says of its server."""
    found = (await the_pod(api, namespace))["status"].get("containerStatuses") or [{}]
    return dict(found[0])


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

    agent.crash(left["metadata"]["name"])
    await until(lambda: is_back(api, namespace), "the crashed server is back", 60.0)
    assert (await server(api, namespace))["lastState"]["terminated"]["exitCode"] == 137
    assert (await ask(left))["choices"]


async def test_a_deleted_pod_serves_until_its_hook_ends_and_then_gets_sigterm(
    api: Api, namespace: str, agent: NodeAgent, kubeconfig: Path
) -> None:
    deployment = vllm("llama")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["lifecycle"] = {"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 2"]}}}
    await apply(api, namespace, deployment)
    (pod,) = await ready_pods(api, namespace, 1)
    ends: list[dict[str, Any]] = []

    def seen(key: tuple[str, str], found: dict[str, Any] | None) -> None:
        if key == (namespace, pod["metadata"]["name"]) and found is not None:
            ends.append(found["status"]["containerStatuses"][0]["state"])

    async with connected(kubeconfig) as client:
        watching = asyncio.create_task(Watcher(client, PODS).run(seen))
        await api.patch(DEPLOYMENTS, namespace, "llama", {"spec": {"replicas": 0}})
        await until(lambda: terminating(api, namespace), "the pod is terminating")
        assert (await ask(pod))["choices"]
        await until(lambda: no_pods(api, namespace), "the pod is gone")
        watching.cancel()
    assert ends[-1]["terminated"]["exitCode"] == 0


async def terminating(api: Api, namespace: str) -> bool:
    return "deletionTimestamp" in (await the_pod(api, namespace))["metadata"]


async def no_pods(api: Api, namespace: str) -> bool:
    return not await api.list(PODS, namespace)


async def test_readiness_gates_keep_a_pod_from_being_ready_until_they_open(
    api: Api, namespace: str, agent: NodeAgent
) -> None:
    await apply(api, namespace, vllm("llama", pod={"readinessGates": [{"conditionType": "test/gate"}]}))

    async def waits() -> bool:
        pod = await the_pod(api, namespace)
        return condition(pod, "ContainersReady") == "True" and condition(pod, "Ready") == "False"

    await until(waits, "the pod waits for its gate", 60.0)

    async def opened() -> bool:
        pod = await the_pod(api, namespace)
        conditions = [*pod["status"]["conditions"], {"type": "test/gate", "status": "True"}]
        precondition = {"resourceVersion": pod["metadata"]["resourceVersion"]}
        body = {"metadata": precondition, "status": {"conditions": conditions}}
        await api.patch(PODS, namespace, pod["metadata"]["name"], body, "status")
        return True

    await until(opened, "the gate is opened")
    (pod,) = await ready_pods(api, namespace, 1)
    assert condition(pod, "test/gate") == "True"


async def test_what_cannot_start_crashes_in_a_loop_and_says_why(api: Api, namespace: str, agent: NodeAgent) -> None:
    await apply(api, namespace, vllm("llama", model="nobody/unknown"))

    async def loops() -> dict[str, Any] | None:
        found = await server(api, namespace)
        return found if found.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff" else None

    found = await until(loops, "a crash loop", 60.0)
    assert "unknown" in found["lastState"]["terminated"]["message"]
    assert not found["ready"]


async def test_a_server_that_hangs_is_restarted_where_a_probe_asks_whether_it_lives(
    api: Api, namespace: str, agent: NodeAgent
) -> None:
    deployment = vllm("llama")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["livenessProbe"] = {"httpGet": {"path": "/health", "port": 8000}, "failureThreshold": 1}
    await apply(api, namespace, deployment)
    (pod,) = await ready_pods(api, namespace, 1)
    url = f"http://{pod['status']['podIP']}:8000/emulator/faults"
    async with aiohttp.ClientSession() as http, http.patch(url, json={"hang": "server"}) as response:
        assert response.status == 200
    await until(lambda: is_back(api, namespace), "the server is back", 60.0)
    assert (await ask(pod))["choices"]


async def is_back(api: Api, namespace: str) -> bool:
    """Whether the only pod's server was restarted once and is ready."""
    found = await server(api, namespace)
    return bool(found["restartCount"] == 1 and found["ready"])


async def test_a_pod_that_is_deleted_while_it_starts_goes_at_once(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    async with node_agent(kubeconfig, tmp_path / "logs", AgentSettings(pace=Pace(pull_s=600.0))):
        await apply(api, namespace, vllm("llama"))

        async def creating() -> bool:
            state = (await server(api, namespace)).get("state", {})
            return bool(state.get("waiting", {}).get("reason") == "ContainerCreating")

        await until(creating, "the container is being created")
        await api.patch(DEPLOYMENTS, namespace, "llama", {"spec": {"replicas": 0}})
        await until(lambda: no_pods(api, namespace), "the pod is gone", 5.0)


async def test_further_options_reach_the_server_and_others_wait_for_a_gpu(
    api: Api, namespace: str, agent: NodeAgent
) -> None:
    await apply(api, namespace, vllm("llama", replicas=2, gpus=5, annotations={EMULATE: "--fault-metrics text"}))

    async def one_waits() -> dict[str, Any] | None:
        pods = await api.list(PODS, namespace)
        ready = [pod for pod in pods if condition(pod, "Ready") == "True"]
        waiting = [pod for pod in pods if condition(pod, "PodScheduled") == "False"]
        return ready[0] if len(ready) == len(waiting) == 1 else None

    pod = await until(one_waits, "one pod is ready and one waits", 60.0)
    async with aiohttp.ClientSession() as http, http.get(f"http://{pod['status']['podIP']}:8000/metrics") as response:
        assert response.content_type == "text/html"


async def test_pods_outlive_the_api_server_and_what_changed_meanwhile_is_caught_up_with(
    api: Api, namespace: str, agent: NodeAgent, control_plane: ControlPlane
) -> None:
    await apply(api, namespace, vllm("llama"))
    (pod,) = await ready_pods(api, namespace, 1)
    await control_plane.stop_api_server()
    agent.crash(pod["metadata"]["name"])
    await control_plane.start_api_server()
    await until(lambda: is_back(api, namespace), "the crashed server is back", 60.0)
    await api.patch(DEPLOYMENTS, namespace, "llama", {"spec": {"replicas": 2}})
    await ready_pods(api, namespace, 2)


async def test_a_lost_node_takes_its_pods_with_it(api: Api, namespace: str, agent: NodeAgent) -> None:
    await apply(api, namespace, vllm("llama"))
    (pod,) = await ready_pods(api, namespace, 1)
    await agent.add_nodes(A100, 1, 8)
    await agent.remove_node(pod["spec"]["nodeName"])
    (other,) = await ready_pods(api, namespace, 1)
    assert other["metadata"]["uid"] != pod["metadata"]["uid"]
    assert other["spec"]["nodeName"] in agent.nodes

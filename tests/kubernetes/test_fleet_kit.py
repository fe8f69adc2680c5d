"""What stands around the controller in its tests: Prometheus, the metrics adapter and the HPA, the endpoint picker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.kubernetes.apply import apply, resource_of
from tests.kubernetes.external_metrics import external_metrics
from tests.kubernetes.fleet_kit import (
    DESIRED,
    FOREIGN_KINDS,
    LLAMA,
    hpa,
    resource_quota,
    scaled_object,
    variant_autoscaling,
    vllm,
)
from tests.kubernetes.load import even_load
from tests.kubernetes.monitoring import monitoring
from tests.kubernetes.node_agent import NodeAgent, node_agent
from tests.kubernetes.picker import Picker, picker
from tests.kubernetes.waiting import until
from tests.prometheus.servers import serving
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import (
    DEPLOYMENTS,
    INFERENCE_POOLS_V1ALPHA2,
    PODS,
    REPLICA_SETS,
    SCALED_OBJECTS,
    SERVICES,
)
from wva.kubernetes.crd.schema import custom_resource_definition
from wva.kubernetes.measuring.pickers import addresses, label_selector
from wva.kubernetes.objects.service import service

pytestmark = pytest.mark.slow


@pytest.fixture
async def agent(kubeconfig: Path, tmp_path: Path) -> AsyncIterator[NodeAgent]:
    async with node_agent(kubeconfig, tmp_path / "logs") as found:
        yield found


async def test_prometheus_scrapes_pods_with_their_names(
    api: Api, namespace: str, agent: NodeAgent, kubeconfig: Path, tmp_path: Path
) -> None:
    await apply(api, namespace, vllm("llama", replicas=2))
    async with monitoring(tmp_path / "prometheus", kubeconfig, [namespace]) as prometheus:
        await prometheus.scraped(2, namespace)
        series = await prometheus.query("vllm:num_requests_running")
        pods = {pod["metadata"]["name"] for pod in await api.list(PODS, namespace)}
        assert {(labels["namespace"], labels["pod"]) for labels, _ in series} == {(namespace, pod) for pod in pods}
        assert {labels["model_name"] for labels, _ in series} == {LLAMA}
        await api.patch(DEPLOYMENTS, namespace, "llama", {"spec": {"replicas": 1}})
        await prometheus.scraped(1, namespace)


async def test_an_hpa_follows_a_published_target_to_zero_and_back(
    api: Api, namespace: str, agent: NodeAgent, kubeconfig: Path, tmp_path: Path
) -> None:
    desired = {"llama-va": 3.0, "other": 7.0}

    async def page(_: web.Request) -> web.Response:
        lines = [
            f'{DESIRED}{{variant_name="{name}",namespace="{namespace}",accelerator_type="A100"}} {value}'
            for name, value in desired.items()
        ]
        return web.Response(text="\n".join([*lines, ""]))

    async def replicas(count: int) -> bool:
        found = await api.read(DEPLOYMENTS, namespace, "llama")
        return bool(found["spec"]["replicas"] == count)

    async with (
        serving(page) as controller,
        monitoring(tmp_path / "prometheus", kubeconfig, [namespace], {"wva": controller}) as prometheus,
        external_metrics(api, namespace, prometheus, tmp_path),
    ):
        await apply(api, namespace, vllm("llama"), hpa(namespace, "llama-va", "llama", least=0))
        for count in (3, 0, 1):
            desired["llama-va"] = float(count)
            await until(lambda wanted=count: replicas(wanted), f"{count} replicas", 60.0)  # type: ignore[misc]


async def test_a_picker_holds_what_comes_to_nobody_and_follows_ready_pods(
    api: Api, namespace: str, agent: NodeAgent, kubeconfig: Path
) -> None:
    await apply(api, namespace, *FOREIGN_KINDS)
    asked = {"model": LLAMA, "prompt": "Hi", "max_tokens": 3}
    async with picker(api, kubeconfig, namespace) as front, aiohttp.ClientSession() as http:

        async def queued() -> bool:
            async with http.get(f"{front.url}/metrics") as response:
                lines = (await response.text()).splitlines()
            (size,) = (line for line in lines if line.startswith("inference_extension_flow_control_queue_size{"))
            return size.endswith(" 1.0")

        async def answer() -> dict[str, Any]:
            async with http.post(f"{front.url}/v1/completions", json=asked) as response:
                return dict(await response.json())

        early = asyncio.create_task(answer())
        await until(queued, "the request is held")
        await apply(api, namespace, vllm("llama", replicas=2))
        assert (await early)["usage"]["completion_tokens"] == 3

        async def routes(count: int) -> bool:
            return len(front.backends) == count

        await until(lambda: routes(2), "both pods are routed to", 60.0)
        # What loses the label takes nothing new, but lives on; its ReplicaSet still owns it.
        first = front.backends[0]
        await api.patch(PODS, namespace, first, {"metadata": {"labels": {"llm-d.ai/model": None}}})
        await until(lambda: routes(1), "one pod is routed to")
        assert first not in front.backends

        (pool,) = await api.list(INFERENCE_POOLS_V1ALPHA2, namespace)
        name = pool["spec"]["extensionRef"]["name"]
        assert await until(lambda: found_pickers(api, namespace, name), "the picker is found") == (front.url,)


async def came(front: Picker, count: int) -> bool:
    return front.gateway.tally(LLAMA).offered >= count


async def test_a_shrink_that_drains_loses_no_request_of_an_even_load(
    api: Api, namespace: str, agent: NodeAgent, kubeconfig: Path
) -> None:
    deployment = vllm("llama", replicas=2)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "3"]}}}
    await apply(api, namespace, *FOREIGN_KINDS, deployment)
    async with picker(api, kubeconfig, namespace) as front:

        async def routes(count: int) -> bool:
            return len(front.backends) == count

        await until(lambda: routes(2), "both pods are routed to", 60.0)
        loading = asyncio.create_task(even_load(front.url, rate=20.0, duration_s=6.0))
        await until(lambda: came(front, 20), "some requests came")
        await api.patch(DEPLOYMENTS, namespace, "llama", {"spec": {"replicas": 1}})
        await until(lambda: routes(1), "one pod is routed to")
        seen = await loading
    assert seen.outcome == ["completed"] * 120


async def found_pickers(api: Api, namespace: str, name: str) -> tuple[str, ...]:
    """Where the controller finds the pickers behind a Service."""
    front = service(await api.read(SERVICES, namespace, name))
    assert front.selector is not None
    found = addresses(front, await api.list(PODS, namespace, label_selector(front.selector)))
    assert not isinstance(found, str), found
    return tuple(each.url for each in found)


async def test_users_objects_are_taken_and_a_quota_holds(api: Api, namespace: str) -> None:
    await apply(api, namespace, custom_resource_definition(), *FOREIGN_KINDS)
    objects = [variant_autoscaling("va", "llama"), scaled_object(namespace, "va", "llama", model=LLAMA)]
    quota = resource_quota("gpus", 1)
    await apply(api, namespace, *objects, quota)

    async def counted() -> bool:
        return "hard" in (await api.read(resource_of(quota), namespace, "gpus")).get("status", {})

    await until(counted, "the quota is counted")
    await apply(api, namespace, vllm("llama", replicas=2))
    assert len(await api.list(SCALED_OBJECTS, namespace)) == 1

    async def refused() -> bool:
        conditions = [
            each
            for found in await api.list(REPLICA_SETS, namespace)
            for each in found["status"].get("conditions") or ()
        ]
        return any(each["type"] == "ReplicaFailure" and "exceeded quota" in each["message"] for each in conditions)

    await until(refused, "the quota refuses the second pod")

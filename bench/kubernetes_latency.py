"""From a threshold crossed in a pod to the new count in its target, on a real control plane with emulated pods.

``./dev python -m bench.kubernetes_latency --mode direct`` has WVA scrape pods and write counts; ``--mode gauge`` has an
HPA follow its gauge, through a Prometheus that scrapes once a second and an adapter.

The fleet is warm: every pod serves a model of its own under a steady load. Then one model after the other gets a burst.
The clock starts when the pod itself first says that a request waits or that its KV cache is full, and stops when its
Deployment is to have more pods. Both are looked at every 50 ms; what looking takes counts. There is a GPU for every pod
of the warm fleet and none for others: those that are added stay pending, so that starting them disturbs nothing.
"""

import argparse
import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from tests.kubernetes.apply import apply, create_namespace
from tests.kubernetes.control_plane import ControlPlane, running
from tests.kubernetes.external_metrics import external_metrics
from tests.kubernetes.fleet_kit import hpa, variant_autoscaling, vllm
from tests.kubernetes.monitoring import monitoring
from tests.kubernetes.node_agent import AgentSettings, node_agent
from tests.kubernetes.picker import SERVER_PORT, picker
from tests.kubernetes.scenarios.stage import Controller, Stage
from tests.kubernetes.scenarios.traffic import Traffic, clients, ended
from tests.kubernetes.waiting import until

from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.resource import NAMESPACES
from wva.kubernetes.measuring.alarm import KV_USAGE
from wva.kubernetes.orders import Act

GPU = "NVIDIA-L40S"
TARGET_S = 5.0
"""95 of 100 bursts are to be answered sooner, in mode direct."""
LOOK_S = 0.05
INTERVAL_S = 15.0
"""Between usual turns of the loop, as it is shipped."""
WARM_S = 45.0
"""Seconds of steady load: the brain decides nothing before it has seen some."""
CALM_S = 3.0
"""Seconds between two bursts."""
READ_EVERY_S = 1.0
"""Between a gateway's looks at its pod."""
LIMIT_S = 120.0
STEADY_PER_S = 0.5
BURST = 60
"""Requests at once: much work for the one replica that is there."""
ANSWER = 200
AT_ONCE = 8
"""Sequences that a replica works on."""


@dataclass(frozen=True, slots=True)
class Model:
    """One of the fleet's models, and how it is asked."""

    name: str
    """Also of its Deployment."""
    url: str
    """Of its only pod."""
    traffic: Traffic


async def measure(stage: Stage, act: Act, pods: int, interval_s: float = INTERVAL_S) -> list[float]:
    """Seconds from crossing to count, of a burst at each of so many pods."""
    names = [f"m{number}" for number in range(pods)]
    await apply(stage.api, stage.namespace, *(body for name in names for body in _declared(stage, name, act)))
    async with AsyncExitStack() as stack:
        gateways = [
            await stack.enter_async_context(
                picker(
                    stage.api,
                    stage.admin,
                    stage.namespace,
                    model=name,
                    label=name,
                    name=f"{name}-picker",
                    read_every_s=READ_EVERY_S,
                )
            )
            for name in names
        ]
        settings = {"WVA_ACT": act, "WVA_POOLS": "{default: elastic}", "GLOBAL_OPT_INTERVAL": f"{interval_s:g}s"}
        controller = await stack.enter_async_context(stage.controller(None, settings))
        if act is Act.GAUGE:
            await stack.enter_async_context(_followed(stage, controller))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        models = []
        for name, gateway in zip(names, gateways, strict=True):
            await stage.pods_are(name, 1, LIMIT_S)
            ip = (await stage.pods(name))[0]["status"]["podIP"]
            traffic = await stack.enter_async_context(clients(gateway.url, name))
            models.append(Model(name, f"http://{ip}:{SERVER_PORT}", traffic))
            steady = asyncio.create_task(traffic.steadily(STEADY_PER_S, answer=ANSWER, stream=False))
            stack.push_async_callback(ended, steady)
        await asyncio.sleep(WARM_S)
        return [await _burst(stage, http, model) for model in models]


async def _burst(stage: Stage, http: aiohttp.ClientSession, model: Model) -> float:
    before = await stage.count(model.name)
    for _ in range(BURST):
        model.traffic.ask(answer=ANSWER, stream=False)
    crossed, grown = await asyncio.gather(
        _first(lambda: _strained(http, model.url), f"{model.name} is strained"),
        _first(lambda: _has_more(stage, model.name, before), f"{model.name} gets more pods"),
    )
    await asyncio.sleep(CALM_S)
    return grown - crossed


async def _first(condition: Callable[[], Awaitable[bool]], what: str) -> float:
    """When it held first."""
    await until(condition, what, LIMIT_S, LOOK_S)
    return time.monotonic()


async def _strained(http: aiohttp.ClientSession, url: str) -> bool:
    async with http.get(f"{url}/metrics") as response:
        text = await response.text()
    said = {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}
    return said["vllm:num_requests_waiting"] >= 1 or said["vllm:kv_cache_usage_perc"] >= KV_USAGE


async def _has_more(stage: Stage, name: str, before: int) -> bool:
    return await stage.count(name) > before


@asynccontextmanager
async def _followed(stage: Stage, controller: Controller) -> AsyncIterator[None]:
    """What carries the gauge to the HPAs."""
    others = {"wva": controller.metrics}
    async with (
        monitoring(stage.directory / "prometheus", stage.admin, [stage.namespace], others) as source,
        external_metrics(stage.api, stage.namespace, source, stage.directory),
    ):
        yield


def _declared(stage: Stage, name: str, act: Act) -> list[dict[str, object]]:
    arguments = ("--served-model-name", name, "--max-num-seqs", str(AT_ONCE))
    bodies = [vllm(name, *arguments, product=GPU, label=name), variant_autoscaling(name, name, model=name)]
    return [*bodies, hpa(stage.namespace, name, name)] if act is Act.GAUGE else bodies


def table(act: Act, seconds: Sequence[float]) -> str:
    """Percentiles, and what was to be reached."""
    p50, p95, most = np.percentile(np.array(seconds), (50, 95, 100))
    target = f"target: p95 under {TARGET_S:g} s" if act is Act.DIRECT else "no target"
    return f"{act:8} {len(seconds):4} bursts   p50 {p50:6.2f} s   p95 {p95:6.2f} s   max {most:6.2f} s   {target}"


async def _round(kubeconfig: Path, act: Act, pods: int) -> list[float]:
    """One fleet, from nothing to its last burst."""
    namespace = f"latency-{secrets.token_hex(3)}"
    settings = AgentSettings(nodes={GPU: (1, pods)}, speed=1.0)
    with tempfile.TemporaryDirectory(prefix="wva-latency-") as folder:
        async with (
            Api(await configuration(kubeconfig)) as api,
            node_agent(kubeconfig, Path(folder) / "logs", settings),
        ):
            await create_namespace(api, namespace)
            stage = Stage(api, kubeconfig, namespace, Path(folder))
            try:
                await stage.prepare()
                return await measure(stage, act, pods)
            finally:
                await api.delete(NAMESPACES, None, namespace)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", type=Act, choices=(Act.DIRECT, Act.GAUGE), default=Act.DIRECT)
    parser.add_argument("--bursts", type=int, default=20)
    parser.add_argument("--pods", type=int, default=10)
    parser.add_argument("--kubeconfig", type=Path, help="of a cluster that may be thrown away; without one, a new one")
    options = parser.parse_args()
    seconds: list[float] = []
    with running() if options.kubeconfig is None else nullcontext(ControlPlane(options.kubeconfig, None)) as cluster:
        while len(seconds) < options.bursts:
            seconds += asyncio.run(_round(cluster.kubeconfig, options.mode, options.pods))
            print(" ".join(f"{each:.2f}" for each in seconds), flush=True)
    print(table(options.mode, seconds))
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()

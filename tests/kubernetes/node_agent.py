"""Plays the kubelets of GPU nodes: pods bound to them run as emulated model servers, real processes each."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp

from tests.kubernetes.object_watch import Key, Watcher, connected, delete_now
from tests.kubernetes.pod_command import Served, served
from tests.kubernetes.pod_life import PodLife, Reach
from tests.kubernetes.pod_server import Pace
from tests.kubernetes.pod_status import now
from wva.emulator.engine import LiveEngine
from wva.emulator.settings import Settings, modelled_server
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import NODES, PODS

Body = dict[str, Any]
# Programs that test side by side have GPUs of their own, or pods of one would be on nodes of another.
OWN = str(os.getpid())
A100, H100 = f"NVIDIA-A100-SXM4-80GB-{OWN}", f"NVIDIA-H100-80GB-HBM3-{OWN}"
OWN_LABEL = "test.wva/program"
"""Label of nodes, for pods without GPUs."""
HEARTBEAT_S = 5.0
ADDRESS = "test.wva/address"
"""Annotation of a pod whose server runs elsewhere: the address that it has."""
GPU_LABEL = "nvidia.com/gpu.product"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """What the nodes are and how fast everything on them goes."""

    nodes: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {A100: (1, 8)})
    """Nodes of each GPU product, and GPUs of each node."""
    speed: float = 10.0
    """Times as fast as real that model servers answer."""
    pace: Pace = field(default_factory=Pace)


class NodeAgent:
    """The agent of all nodes of a test; ``node_agent`` starts and ends it."""

    def __init__(self, reach: Reach, settings: AgentSettings) -> None:
        """No node is there yet."""
        self.nodes: dict[str, str] = {}
        """GPU products by the names of the nodes."""
        self._reach = reach
        self._settings = settings
        self._pods: dict[str, PodLife] = {}
        self._lives: dict[str, asyncio.Task[None]] = {}
        # Agents of programs that run side by side have different networks, all of this machine.
        self._network = f"127.{secrets.randbelow(250) + 2}"
        self._addresses = 0

    def log(self, name: str) -> str:
        """What the server of a pod has printed."""
        return "".join(life.log.read_text() for life in self._pods.values() if life.key[1] == name)

    def crash(self, name: str) -> None:
        """Kill the processes of a pod, as a fault of theirs would."""
        next(life for life in self._pods.values() if life.key[1] == name).crash()

    @property
    def addresses(self) -> dict[Key, str]:
        """Addresses of the pods that run here, by namespace and name."""
        return {life.key: life.ip for life in self._pods.values()}

    async def add_nodes(self, product: str, count: int, gpus: int) -> list[str]:
        """Register more nodes of that GPU; their names."""
        names = [f"n{secrets.token_hex(3)}" for _ in range(count)]
        for name in names:
            self.nodes[name] = product
            await self._reach.api.create(NODES, None, _node(name, product, gpus))
            # Admission gives every new node a taint that goes once it is ready.
            await self._reach.api.patch(NODES, None, name, {"spec": {"taints": None}})
        return names

    async def remove_node(self, name: str) -> None:
        """Take a node away at once, with its pods, as when its machine dies and its owner notices."""
        del self.nodes[name]
        await self._reach.api.delete(NODES, None, name)
        for life in list(self._pods.values()):
            if life.pod["spec"]["nodeName"] == name:
                await delete_now(self._reach.client, PODS, life.key, life.uid)
                life.removed()

    async def beat(self) -> None:
        """Say again and again that the nodes are ready, until cancelled."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            for name in list(self.nodes):
                with suppress(ApiError):
                    await self._reach.api.patch(NODES, None, name, {"status": {"conditions": _healthy()}}, "status")

    def seen(self, key: Key, pod: Body | None) -> None:
        """A pod is new, changed or gone."""
        for life in list(self._pods.values()):
            if life.key == key and (pod is None or life.uid != pod["metadata"]["uid"]):
                life.removed()
        if pod is None:
            return
        uid = pod["metadata"]["uid"]
        if uid in self._pods:
            self._pods[uid].changed(pod)
        elif pod["spec"].get("nodeName") in self.nodes:
            self._begin(uid, pod)

    async def close(self) -> None:
        """Kill everything that runs, and take pods and nodes away."""
        pods = list(self._pods.values())
        for task in self._lives.values():
            task.cancel()
        await asyncio.gather(*self._lives.values(), return_exceptions=True)
        for name in self.nodes:
            with suppress(ApiError):
                await self._reach.api.delete(NODES, None, name)
        for life in pods:
            await delete_now(self._reach.client, PODS, life.key, life.uid)

    def _begin(self, uid: str, pod: Body) -> None:
        life = PodLife(pod, self._served(pod), self._address(pod), self._reach, self._settings.pace)
        self._pods[uid] = life
        self._lives[uid] = asyncio.get_running_loop().create_task(life.run())
        self._lives[uid].add_done_callback(lambda _: self._forget(uid))
        life.changed(pod)

    def _forget(self, uid: str) -> None:
        life, task = self._pods.pop(uid), self._lives.pop(uid)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": f"the life of pod {life.key} broke off", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    def _served(self, pod: Body) -> Served:
        settings = self._settings
        found = served(pod, self.nodes[pod["spec"]["nodeName"]], settings.speed, settings.pace.startup_s)
        return Served(found.container, found.port, ()) if _elsewhere(pod) else found

    def _address(self, pod: Body) -> str:
        self._addresses += 1
        return _elsewhere(pod) or f"{self._network}.{self._addresses // 250}.{self._addresses % 250 + 1}"


@asynccontextmanager
async def node_agent(kubeconfig: Path, logs: Path, settings: AgentSettings | None = None) -> AsyncIterator[NodeAgent]:
    """Nodes with an agent, until the end of the block."""
    settings = settings or AgentSettings()
    logs.mkdir(exist_ok=True)
    await asyncio.to_thread(_compile_engine)
    async with (
        Api(await configuration(kubeconfig)) as api,
        connected(kubeconfig) as client,
        aiohttp.ClientSession() as http,
    ):
        agent = NodeAgent(Reach(api, client, http, logs), settings)
        background: list[asyncio.Task[None]] = []
        try:
            for product, (count, gpus) in settings.nodes.items():
                await agent.add_nodes(product, count, gpus)
            background.append(asyncio.create_task(agent.beat()))
            background.append(asyncio.create_task(Watcher(client, PODS).run(agent.seen)))
            yield agent
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await agent.close()


@cache
def _compile_engine() -> None:
    """Compile the engine model where that is not done yet, or every pod would: each for half a minute, all at once."""
    LiveEngine(modelled_server(Settings("Llama-3.1-8B-Instruct", "A100-80GB")))


def _elsewhere(pod: Body) -> str | None:
    found = (pod["metadata"].get("annotations") or {}).get(ADDRESS)
    return None if found is None else str(found)


def _healthy() -> list[Body]:
    return [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now()}]


def _node(name: str, product: str, gpus: int) -> Body:
    resources = {"cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": str(gpus)}
    labels = {
        "kubernetes.io/hostname": name,
        GPU_LABEL: product,
        "nvidia.com/gpu.count": str(gpus),
        OWN_LABEL: OWN,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": resources, "allocatable": resources, "conditions": _healthy()},
    }

"""A cluster as users have it, for the tests of the whole path: CRDs, GPU nodes, and the controller as a process."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.kubernetes.accounts import Account, service_account
from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import FOREIGN_KINDS, LLAMA
from tests.kubernetes.node_agent import GPU_LABEL, AgentSettings, NodeAgent, node_agent
from tests.kubernetes.picker import SERVER_PORT
from tests.kubernetes.waiting import until
from tests.waiting import free_port
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import DEPLOYMENTS, EVENTS, PODS, VARIANT_AUTOSCALINGS, Resource
from wva.kubernetes.configuration.parse import SCALE_TO_ZERO
from wva.kubernetes.crd.schema import custom_resource_definition
from wva.kubernetes.manifests.rights import Where, rights, rules

INTERVAL_S = 2.0
STOP_LIMIT_S = 30.0
WVA = Path(sys.executable).with_name("wva")


@dataclass
class Controller:
    """A controller that runs as a process, with its ServiceAccount's token."""

    process: asyncio.subprocess.Process
    probes: str
    metrics: str
    log: Path
    http: aiohttp.ClientSession

    async def ready(self) -> None:
        """Wait until it says that it is."""

        async def looked() -> bool:
            assert self.process.returncode is None, self.log.read_text()
            found = await self.probe("readyz")
            return found is not None and found[0] == 200

        await until(looked, "the controller is ready", 120.0)

    async def probe(self, name: str) -> tuple[int, str] | None:
        """What a probe says: its status and its text; ``None`` where nobody answers."""
        with suppress(aiohttp.ClientError):
            async with self.http.get(f"{self.probes}/{name}") as response:
                return response.status, await response.text()
        return None

    async def series(self, name: str, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The series of that name with these labels, by all of their labels; none where it does not answer."""
        from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

        try:
            async with self.http.get(f"{self.metrics}/metrics") as response:
                text = await response.text()
        except aiohttp.ClientError:
            return {}
        return {
            tuple(sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        }

    async def desired(self, variant: str) -> float | None:
        """The count that its gauge says, if it says one."""
        found = await self.series("wva_desired_replicas", variant_name=variant)
        return next(iter(found.values()), None)

    async def desires(self, variant: str, *wanted: float | None, limit_s: float = 90.0) -> None:
        """Wait until its gauge says one of these counts; it says none while nothing is known."""

        async def looked() -> bool:
            return await self.desired(variant) in wanted

        await until(looked, f"the gauge of {variant} says one of {wanted}", limit_s)

    async def turns(self, count: int) -> None:
        """Wait until it has decided so many times more."""

        async def turned() -> float:
            return sum((await self.series("wva_loop_ticks_total")).values())

        last = await turned() + count

        async def passed() -> bool:
            return await turned() >= last

        await until(passed, f"{count} more turns", 30.0 + 10.0 * count)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Wait for its end and give its exit code."""
        return await asyncio.wait_for(self.process.wait(), STOP_LIMIT_S)


@dataclass
class Stage:
    """A namespace of its own with everything in it."""

    api: Api
    admin: Path
    """An administrator's kubeconfig."""
    namespace: str
    directory: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    started: int = 0

    async def prepare(self) -> None:
        """Define the kinds that others bring."""
        await apply(self.api, None, custom_resource_definition(), *FOREIGN_KINDS)

        async def served() -> bool:
            await self.api.list(VARIANT_AUTOSCALINGS, self.namespace)
            return True

        await until(served, "VariantAutoscalings")

    async def account(self, name: str, instance: str | None = None, *, everywhere: bool = False) -> Account:
        """A ServiceAccount with the rights that a controller's manifests ask for and no others."""
        asked, fleet = rights(instance), (Where.FLEET,)
        own = rules(asked, Where.HOME, *(() if everywhere else fleet))
        of_the_cluster = rules(asked, Where.CLUSTER, Where.METRICS, *(fleet if everywhere else ()))
        return await service_account(self.api, self.admin, self.directory, self.namespace, name, own, of_the_cluster)

    def product(self, name: str) -> str:
        """The GPU product as it is called on the nodes that only this namespace's pods go to."""
        return f"{name}-{self.namespace}"

    @asynccontextmanager
    async def nodes(self, gpus: Mapping[str, int], speed: float = 1.0) -> AsyncIterator[NodeAgent]:
        """A node of each product with so many GPUs, for this namespace; its controllers count no others."""
        own = {self.product(name): (1, count) for name, count in gpus.items()}
        self.settings = {**self.settings, "WVA_NODE_SELECTOR": f"{GPU_LABEL} in ({', '.join(own)})"}
        async with node_agent(self.admin, self.directory / "logs", AgentSettings(own, speed)) as found:
            yield found

    @asynccontextmanager
    async def trickle(self, agent: NodeAgent, model: str = LLAMA) -> AsyncIterator[None]:
        """A short request a second to each pod that serves, as where nobody asks for more: all is known then."""

        async def ask(http: aiohttp.ClientSession) -> None:
            body = {"model": model, "prompt": "a word", "max_tokens": 2}
            while True:
                own = [ip for (namespace, _), ip in agent.addresses.items() if namespace == self.namespace]
                asked = (http.post(f"http://{ip}:{SERVER_PORT}/v1/completions", json=body) for ip in own)
                for answer in await asyncio.gather(*asked, return_exceptions=True):
                    if isinstance(answer, aiohttp.ClientResponse):
                        answer.release()
                await asyncio.sleep(1.0)

        async with aiohttp.ClientSession() as http:
            asking = asyncio.create_task(ask(http))
            try:
                yield
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    @asynccontextmanager
    async def controller(
        self,
        kubeconfig: Path | None = None,
        given: Mapping[str, str] | None = None,
        /,
        *,
        instance: Any = None,
        everywhere: Any = False,
        ready: Any = True,
        **settings: str,
    ) -> AsyncIterator[Controller]:
        """A controller with the rights that its manifests ask for and no others; ``given`` are settings too.

        It is for this namespace, or, one of an ``instance``, may be for all: it would decide for other tests' variants
        without. It is waited for until it is ``ready``.
        """
        self.started += 1
        name = f"wva-{self.started}"
        assert instance is not None or not everywhere
        if kubeconfig is None:
            kubeconfig = (await self.account(name, instance, everywhere=everywhere)).kubeconfig
        probes, metrics = free_port(), free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "POD_NAMESPACE": self.namespace,
            "POD_NAME": name,
            "WATCH_NAMESPACE": "" if everywhere else self.namespace,
            "CONTROLLER_INSTANCE": instance or "",
            "GLOBAL_OPT_INTERVAL": f"{INTERVAL_S:g}s",
            "HEALTH_PROBE_BIND_ADDRESS": f"127.0.0.1:{probes}",
            "METRICS_BIND_ADDRESS": f"127.0.0.1:{metrics}",
            "METRICS_SECURE": "false",
            "WVA_ACT": "direct",
            "WVA_JOURNAL_DIR": str(self.directory / f"{name}-journal"),
            **self.settings,
            **(given or {}),
            **settings,
        }
        log = self.directory / f"{name}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                WVA, "controller", "--kubeconfig", kubeconfig, env=environment, stdout=output, stderr=output
            )
        try:
            async with aiohttp.ClientSession() as http:
                found = Controller(process, f"http://127.0.0.1:{probes}", f"http://127.0.0.1:{metrics}", log, http)
                if ready:
                    await found.ready()
                yield found
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
                except TimeoutError:
                    process.kill()
                    await process.wait()

    async def to_zero_after(self, retention_s: float) -> None:
        """Have all models of the namespace go to zero so long after their last request."""
        said = f"enable_scale_to_zero: true\nretention_period: {retention_s:g}s\n"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": SCALE_TO_ZERO}, "data": {"default": said}}
        await apply(self.api, self.namespace, body)

    async def annotate(self, resource: Resource, name: str, **said: str | None) -> None:
        """Set annotations of WVA's on an object, or, by ``None``, take them away."""
        annotations = {f"wva.llmd.ai/{key}": value for key, value in said.items()}
        place = self.namespace if resource.namespaced else None
        await self.api.patch(resource, place, name, {"metadata": {"annotations": annotations}})

    async def count(self, deployment: str) -> int:
        """The count that a Deployment is to have."""
        found = await self.api.read(DEPLOYMENTS, self.namespace, deployment)
        return int(found["spec"]["replicas"])

    async def counts(self, deployment: str, *wanted: int, limit_s: float = 90.0) -> int:
        """Wait until a Deployment is to have one of these counts."""

        async def looked() -> int | None:
            found = await self.count(deployment)
            return found + 1 if found in wanted else None

        return await until(looked, f"{deployment} has {wanted}", limit_s) - 1

    async def pods(self, app: str) -> list[dict[str, Any]]:
        """The pods of a Deployment that are there, those that end included."""
        return list(await self.api.list(PODS, self.namespace, f"app={app}"))

    async def pods_are(self, app: str, count: int, limit_s: float = 60.0) -> None:
        """Wait until a Deployment has so many pods, each of them ready and none about to end."""

        async def looked() -> bool:
            found = await self.pods(app)
            return len(found) == count and all(is_ready(pod) for pod in found)

        await until(looked, f"{app} has {count} ready pods", limit_s)

    async def status(self, variant: str) -> dict[str, Any]:
        """The status of a VariantAutoscaling; empty where there is none."""
        found = await self.api.read(VARIANT_AUTOSCALINGS, self.namespace, variant)
        return dict(found.get("status") or {})

    async def condition(self, variant: str, kind: str, *, limit_s: float = 60.0, **wanted: str) -> dict[str, Any]:
        """Wait until a condition of a VariantAutoscaling has these values."""

        async def looked() -> dict[str, Any] | None:
            conditions = (await self.status(variant)).get("conditions") or ()
            found: dict[str, Any] = next((each for each in conditions if each["type"] == kind), {})
            return dict(found) if wanted.items() <= found.items() and found else None

        return await until(looked, f"{variant}: {kind} {wanted}", limit_s)

    async def events(self, reason: str) -> list[dict[str, Any]]:
        """What was told of with that reason."""
        with suppress(ApiError):
            return [each for each in await self.api.list(EVENTS, self.namespace) if each["reason"] == reason]
        return []


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod serves, and is not about to end."""
    conditions = {each["type"]: each["status"] for each in (pod.get("status") or {}).get("conditions") or ()}
    return conditions.get("Ready") == "True" and not pod["metadata"].get("deletionTimestamp")

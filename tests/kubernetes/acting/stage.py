"""A Deployment on a real control plane, a kubelet's part played for its pods, and the controller's part that acts."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kubernetes.accounts import service_account
from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import Body, service, variant_autoscaling, vllm
from tests.kubernetes.object_watch import connected, delete_now
from tests.kubernetes.pod_status import Seen, now, status
from tests.kubernetes.waiting import until
from tests.kubernetes.watching.watching import watching
from wva.control.clock import SystemClock
from wva.decide.view import not_draining
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan, VariantPlan, Victim
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.carry_out import ActingSettings
from wva.kubernetes.acting.keeper import DrainKeeper
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import DEPLOYMENTS, NODES, PODS, Resource
from wva.kubernetes.body import KubernetesFleet
from wva.kubernetes.crd.schema import custom_resource_definition
from wva.kubernetes.managed import Managed
from wva.kubernetes.manifests.rights import Where, rules
from wva.kubernetes.manifests.rights import rights as all_rights
from wva.kubernetes.objects.pod import SERVING_GATE
from wva.kubernetes.picture import Remembered
from wva.kubernetes.scope import Scope
from wva.kubernetes.view import Setting
from wva.record.problems import Problems

NAME = "llama"
ENDPOINTS = Resource("", "v1", "endpoints")
FASTER = 20.0
"""Times as fast as real that the controller's clock runs, so that settling takes a quarter of a second."""
LOOK_S = 4.0
"""Between two looks for pods that have drained, on that clock."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a controller works, and as whom."""

    api: Api
    """As an administrator."""
    admin: Path
    """The administrator's kubeconfig."""
    namespace: str
    account: Path
    """The controller's."""


async def place(
    api: Api, admin: Path, folder: Path, namespace: str, rights: Sequence[dict[str, Any]] | None = None
) -> Place:
    """A place for a controller with those rights, else with all that an installation for one namespace gives it."""
    allowed = rules(all_rights("wva"), Where.FLEET) if rights is None else rights
    account = await service_account(api, admin, folder, namespace, "wva", allowed)
    return Place(api, admin, namespace, account.kubeconfig)


class Stage:
    """One variant, and what acts on it."""

    def __init__(self, where: Place, fleet: KubernetesFleet, problems: Problems, clock: SystemClock) -> None:
        self.fleet = fleet
        self.problems = problems
        self.busy: set[str] = set()
        """Names of pods that have requests."""
        self._api, self._namespace = where.api, where.namespace
        self._clock = clock
        self._plans = self._asked = 0

    async def plan(
        self, target: int, *, victims: Sequence[str] = (), between: Callable[[], Awaitable[object]] | None = None
    ) -> Outcome:
        """Look, decide on that count, and carry it out; something may happen in between."""
        seen = (await self.fleet.state()).variants[0]
        if between is not None:
            await between()
        self._plans += 1
        named = tuple(Victim(f"{self._namespace}/{name}", None) for name in victims)
        part = VariantPlan(seen.variant.name, not_draining(seen), target, target, victims=named)
        made = Plan(f"p{self._plans}", "o", self._clock.utc() + 600.0, (part,))
        return (await self.fleet.apply(made))[0]

    async def loads(self, managed: Sequence[Managed]) -> Mapping[str, Load]:
        """What the pods say."""
        self._asked += 1
        pods = [pod for each in managed for pod in each.pods]
        return {pod.id: Load(self._clock.utc(), float(pod.name in self.busy), 0.0) for pod in pods}

    async def pods(self) -> dict[str, Body]:
        """Those that are there and not deleted, by their names."""
        found = await self._api.list(PODS, self._namespace)
        return {each["metadata"]["name"]: each for each in found if "deletionTimestamp" not in each["metadata"]}

    async def until_pods(self, count: int, *, ready: int) -> dict[str, Body]:
        """Wait for so many pods, so many of them ready, also by the mirror and the workload's own status."""

        async def are_there() -> bool:
            found = await self.pods()
            states = [is_ready(each) for each in found.values()]
            seen = (await self.fleet.state()).variants
            known = seen[0] if seen else None
            alike = known is not None and len(known.replicas) == count and known.ready == ready
            return (len(states), sum(states)) == (count, ready) and alike

        await until(are_there, f"{ready} of {count} pods are ready", 60.0)
        return await self.pods()

    async def until_served(self, service: str, names: set[str]) -> None:
        """Wait until a Service leads to just those pods."""

        async def leads() -> bool:
            found = await self._api.read(ENDPOINTS, self._namespace, service)
            subsets = found.get("subsets") or ()
            return {each["targetRef"]["name"] for one in subsets for each in one.get("addresses") or ()} == names

        await until(leads, f"{service} leads to {names}")

    async def is_seen(self) -> bool:
        """Whether the controller knows the variant."""
        return bool((await self.fleet.state()).variants)

    async def looked(self) -> None:
        """Wait until the pods have been asked twice more for their load: what was to be done by it is done."""
        until_then = self._asked + 2
        while self._asked < until_then:
            await asyncio.sleep(0.05)

    async def count(self) -> int:
        """The Deployment's."""
        count: int = (await self._api.read(DEPLOYMENTS, self._namespace, NAME))["spec"]["replicas"]
        return count


@asynccontextmanager
async def deployed(where: Place, replicas: int, *, gated: bool = False) -> AsyncIterator[None]:
    """A variant of so many replicas that acts directly, with a Service that selects by ``route`` as well."""
    node, api = f"n{secrets.token_hex(3)}", where.api
    machine = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}}
    await apply(api, None, custom_resource_definition(), machine)
    route = service(NAME, {"app": NAME, "route": "on"})
    await apply(api, where.namespace, _deployment(node, replicas, gated=gated), _declared(), route)
    async with _running(_play_kubelet(where)):
        yield
    with suppress(ApiError):
        await api.delete(NODES, None, node)


@asynccontextmanager
async def controller(where: Place, leads: Callable[[], bool] = lambda: True) -> AsyncIterator[Stage]:
    """A controller's process, as far as it acts."""
    clock, problems = SystemClock(FASTER), Problems()
    scope = Scope(where.namespace, only_namespace=where.namespace)
    async with watching(where.account, scope) as watch, Api(await configuration(where.account)) as api:
        async with asyncio.timeout(30.0):
            await watch.until_synced()
        version = await api.version()
        setting, acting = Setting(scope, version=version), ActingSettings(DrainSettings(version, 3600.0))
        fleet = KubernetesFleet(watch.mirror, Writer(api, leads), clock, setting, acting, lambda _: None, Remembered())
        found = Stage(where, fleet, problems, clock)
        await until(found.is_seen, "the variant is seen")
        keeper = DrainKeeper(fleet.carrier, fleet.present, fleet.strays, found.loads, clock, problems, LOOK_S)
        async with _running(keeper.run()):
            yield found


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        failed = task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not failed


async def _play_kubelet(where: Place) -> None:
    """Containers run as soon as a pod is bound, and end at once when it is deleted."""
    addresses: dict[str, Seen] = {}
    api, namespace = where.api, where.namespace
    async with connected(where.admin) as client:
        while True:
            for body in await api.list(PODS, namespace):
                about = body["metadata"]
                name = about["name"]
                with suppress(ApiError):
                    if "deletionTimestamp" in about:
                        await delete_now(client, PODS, (namespace, name), about["uid"])
                        continue
                    seen = addresses.setdefault(name, _seen(len(addresses)))
                    said = status(body, seen)
                    if said["conditions"] != body["status"].get("conditions"):
                        version = {"resourceVersion": about["resourceVersion"]}
                        await api.patch(PODS, namespace, name, {"metadata": version, "status": said}, "status")
            await asyncio.sleep(0.1)


def _seen(place: int) -> Seen:
    running = {"running": {"startedAt": now()}}
    return Seen("vllm", f"10.1.{place // 250}.{place % 250 + 1}", running, ready=True, began=now())


def is_ready(body: Body) -> bool:
    """Whether a pod is."""
    conditions = body.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def ready_since(body: Body) -> str:
    """Since when a pod that is ready has been so: RFC 3339, in whole seconds."""
    since: str = next(each["lastTransitionTime"] for each in body["status"]["conditions"] if each["type"] == "Ready")
    return since


def _deployment(node: str, replicas: int, *, gated: bool) -> Body:
    gates = {"readinessGates": [{"conditionType": SERVING_GATE}]} if gated else {}
    body = vllm(NAME, replicas=replicas, pod={"nodeName": node, **gates})
    body["spec"]["template"]["metadata"]["labels"] |= {"route": "on"}
    return body


def _declared() -> Body:
    body = variant_autoscaling(NAME, NAME)
    body["metadata"]["annotations"] = {"wva.llmd.ai/act": "direct"}
    body["spec"] |= {"minReplicas": 0, "maxReplicas": 10}
    return body

"""Watches of a real API server."""

from pathlib import Path
from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.accounts import service_account
from tests.kubernetes.apply import apply
from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.waiting import until
from tests.kubernetes.watching.relay import relayed
from tests.kubernetes.watching.watching import QUICK, crd, deployment, of_namespace, watching
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    INFERENCE_POOLS_V1ALPHA2,
    NODES,
    PODS,
    SERVICES,
    Resource,
)
from wva.kubernetes.configuration.parse import SATURATION
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror
from wva.kubernetes.watching.watch import Watch

pytestmark = pytest.mark.stops

CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", namespaced=False)
HPAS = Resource("autoscaling", "v1", "horizontalpodautoscalers")
"""The version that every API server has."""
READ = ["list", "watch"]
NO_RIGHTS = [{"apiGroups": [""], "resources": ["none"], "verbs": ["get"]}]


def only(namespace: str) -> Scope:
    return Scope(namespace, only_namespace=namespace)


def pod_names(mirror: Mirror, namespace: str, name: str) -> set[str]:
    found = mirror.workload(Kind.DEPLOYMENT, namespace, name)
    return set() if found is None else {pod.name for pod in mirror.pods_of(found.meta.uid)}


def service(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], "selector": {"app": name}}}


async def until_it(watch: Watch, what: str, condition: Any, limit_s: float = 30.0) -> None:
    async def holds() -> bool:
        return bool(condition())

    await until(holds, f"{what}; problems: {dict(watch.problems.now)}", limit_s)


async def test_what_is_there_and_what_happens_is_in_the_mirror(api: Api, namespace: str, kubeconfig: Path) -> None:
    await apply(api, namespace, deployment("before", 3))
    await until(lambda: _count(api, namespace, 3), "three pods")
    async with watching(kubeconfig, only(namespace)) as watch:
        mirror = watch.mirror
        await watch.until_synced()
        assert len(pod_names(mirror, namespace, "before")) == 3

        await apply(api, namespace, deployment("later"), _hpa("h", "later"))
        await until_it(watch, "two pods", lambda: len(pod_names(mirror, namespace, "later")) == 2)
        await until_it(watch, "an HPA", lambda: [scaler.meta.name for scaler in mirror.scalers()] == ["h"])
        await api.patch(DEPLOYMENTS, namespace, "later", {"spec": {"replicas": 3}})
        await until_it(watch, "three pods", lambda: len(pod_names(mirror, namespace, "later")) == 3)

        await api.delete(HPAS, namespace, "h")
        await api.delete(DEPLOYMENTS, namespace, "before")
        await until_it(watch, "no HPA", lambda: not mirror.scalers())
        await until_it(watch, "no workload", lambda: not mirror.workload(Kind.DEPLOYMENT, namespace, "before"))
        assert not watch.problems.now


async def test_settings_come_from_home_and_from_the_one_namespace(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    text = {"metadata": {"name": SATURATION}, "data": {"default": "priority: 7"}}
    await api.create(CONFIG_MAPS, namespace, text)
    await api.create(CONFIG_MAPS, namespace, {**text, "metadata": {"name": "other"}})
    named = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [SATURATION], "verbs": READ}
    account = await service_account(api, kubeconfig, tmp_path, namespace, "wva", [named])
    async with watching(account.kubeconfig, Scope(namespace, only_namespace="default")) as watch:
        await until_it(watch, "settings", lambda: set(watch.mirror.config_maps()) == {(namespace, SATURATION)})


@pytest.mark.slow
async def test_nothing_that_ended_stays_after_the_api_server_was_away(
    api: Api, namespace: str, kubeconfig: Path, control_plane: ControlPlane, tmp_path: Path
) -> None:
    kind = crd("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")
    mine = await _is_gone(api, kind["metadata"]["name"])
    await apply(api, namespace, *([kind] if mine else []), of_namespace(bodies.scaled_object("s", "d")))
    for name in ("kept", "ended"):
        await api.create(SERVICES, namespace, service(name))
    lost = list[str]()
    async with relayed(kubeconfig, tmp_path) as (relay, through), watching(through, only(namespace)) as watch:
        await watch.until_synced()
        mirror = watch.mirror
        mirror.subscribe(lambda kind, _, name, old, new: lost.append(f"{kind} {name}") if new is None else None)
        relay.cut()
        await api.delete(SERVICES, namespace, "ended")
        await until_it(watch, "a problem", lambda: watch.problems.now)
        await control_plane.stop_api_server()
        relay.mend()
        await control_plane.start_api_server()
        await api.create(SERVICES, namespace, service("came"))

        await until_it(watch, "the new one", lambda: mirror.service(namespace, "came"))
        await until_it(watch, "the end", lambda: mirror.service(namespace, "ended") is None)
        await until_it(watch, "no problem", lambda: not watch.problems.now)
        assert mirror.service(namespace, "kept") is not None
        # An API server that has just started knows neither its roles nor its custom resources.
        assert lost == ["Service ended"]
        assert [scaler.meta.name for scaler in mirror.scalers()] == ["s"]
    if mine:
        await api.delete(CRDS, None, kind["metadata"]["name"])


async def test_what_happens_while_the_connection_is_broken_is_told_afterwards(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    await api.create(SERVICES, namespace, service("ended"))
    async with relayed(kubeconfig, tmp_path) as (relay, through), watching(through, only(namespace)) as watch:
        await watch.until_synced()
        relay.cut()
        await api.delete(SERVICES, namespace, "ended")
        await api.create(SERVICES, namespace, service("came"))
        await until_it(watch, "a problem", lambda: f"watch of Service in {namespace}" in watch.problems.now)
        relay.mend()
        mirror = watch.mirror
        await until_it(watch, "the end", lambda: mirror.service(namespace, "ended") is None)
        await until_it(watch, "the new one", lambda: mirror.service(namespace, "came"))
        await until_it(watch, "no problem", lambda: not watch.problems.now)


@pytest.mark.slow
async def test_custom_resources_may_come_and_go(api: Api, namespace: str, kubeconfig: Path) -> None:
    group = INFERENCE_POOLS_V1ALPHA2.group
    kind = crd(group, "v1alpha2", "InferencePool", "inferencepools")
    spec = {"selector": {"app": "x"}, "targetPortNumber": 8000, "extensionRef": {"name": "epp"}}
    pool = {"apiVersion": f"{group}/v1alpha2", "kind": "InferencePool", "metadata": {"name": "p"}, "spec": spec}
    async with watching(kubeconfig, only(namespace), grace_s=1.0) as watch:
        mirror = watch.mirror
        await watch.until_synced()
        assert mirror.inference_pools() == ()
        assert not watch.problems.now
        for _ in range(2):
            await apply(api, namespace, kind, pool)
            await until_it(watch, "the pool", lambda: [found.meta.name for found in mirror.inference_pools()] == ["p"])
            await api.delete(CRDS, None, kind["metadata"]["name"])
            await until_it(watch, "no pool", lambda: mirror.inference_pools() == ())
            await until(lambda: _is_gone(api, kind["metadata"]["name"]), "the kind's end")
        assert not watch.problems.now


async def test_the_rights_to_list_and_watch_in_one_namespace_suffice(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    rules = [
        {"apiGroups": [""], "resources": ["configmaps", "pods", "services"], "verbs": READ},
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets", "statefulsets"], "verbs": READ},
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": READ},
        {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": READ},
        {"apiGroups": ["llmd.ai"], "resources": ["variantautoscalings"], "verbs": READ},
        {"apiGroups": ["inference.networking.k8s.io"], "resources": ["inferencepools"], "verbs": READ},
        {"apiGroups": ["inference.networking.x-k8s.io"], "resources": ["inferencepools"], "verbs": READ},
    ]
    account = await service_account(api, kubeconfig, tmp_path, namespace, "wva", rules)
    await apply(api, namespace, deployment("d"))
    async with watching(account.kubeconfig, only(namespace)) as watch:
        await watch.until_synced()
        await until_it(watch, "two pods", lambda: len(pod_names(watch.mirror, namespace, "d")) == 2)
        assert watch.mirror.nodes() is None
        assert list(watch.problems.now) == ["watch of Node"]
        assert "403" in watch.problems.now["watch of Node"]

        shown = [{"apiGroups": [""], "resources": ["nodes"], "verbs": READ}]
        await service_account(api, kubeconfig, tmp_path, namespace, "wva", rules, shown)
        await api.create(NODES, None, bodies.node(f"n-{namespace}"))
        try:
            await until_it(watch, "nodes", watch.mirror.nodes)
            assert not watch.problems.now
        finally:
            await api.delete(NODES, None, f"n-{namespace}")


async def test_nothing_is_in_sync_without_the_rights_that_it_needs(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    account = await service_account(api, kubeconfig, tmp_path, namespace, "nobody", [])
    async with watching(account.kubeconfig, only(namespace)) as watch:
        await until_it(watch, "a problem", lambda: f"watch of Pod in {namespace}" in watch.problems.now)
        assert not watch.synced
        assert f"Pod in {namespace}" in watch.waits_for()
        assert watch.stale_for_s()[Kind.POD] is None


@pytest.mark.slow
async def test_rights_that_are_taken_away_leave_what_is_needed_as_it_was_seen_last(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": READ}]
    account = await service_account(api, kubeconfig, tmp_path, namespace, "wva", everything, everything)
    await apply(api, namespace, deployment("d"))
    async with watching(account.kubeconfig, only(namespace), grace_s=1.0) as watch:
        await watch.until_synced()
        await until_it(watch, "two pods", lambda: len(pod_names(watch.mirror, namespace, "d")) == 2)
        assert watch.mirror.nodes() is not None
        await service_account(api, kubeconfig, tmp_path, namespace, "wva", NO_RIGHTS, NO_RIGHTS)
        await until_it(watch, "no nodes", lambda: watch.mirror.nodes() is None)
        await until_it(watch, "a problem", lambda: f"watch of Pod in {namespace}" in watch.problems.now)
        await until_it(watch, "age", lambda: (watch.stale_for_s()[Kind.POD] or 0.0) > 2 * QUICK.watch_s)
        assert len(pod_names(watch.mirror, namespace, "d")) == 2

        await service_account(api, kubeconfig, tmp_path, namespace, "wva", everything, everything)
        await until_it(watch, "no problem", lambda: not watch.problems.now)
        assert watch.mirror.nodes() is not None


@pytest.mark.slow
async def test_a_connection_that_is_silently_dead_is_noticed(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    scope = only(namespace)
    async with relayed(kubeconfig, tmp_path) as (relay, through), watching(through, scope) as watch:
        await watch.until_synced()
        relay.deaden()
        await api.create(SERVICES, namespace, service("s"))
        stale = list[float]()

        def seen() -> bool:
            stale.append(watch.stale_for_s()[Kind.SERVICE] or 0.0)
            return watch.mirror.service(namespace, "s") is not None

        await until_it(watch, "the service", seen)
        assert QUICK.watch_s < max(stale) < 15
        await until_it(watch, "no problem", lambda: not watch.problems.now)
        await until_it(watch, "what is fresh", lambda: max(age or 0.0 for age in watch.stale_for_s().values()) < 2.5)


async def _count(api: Api, namespace: str, wanted: int) -> bool:
    return len(await api.list(PODS, namespace)) == wanted


async def _is_gone(api: Api, name: str) -> bool:
    return name not in {found["metadata"]["name"] for found in await api.list(CRDS)}


def _hpa(name: str, target: str) -> dict[str, Any]:
    body = of_namespace(bodies.hpa(name, target, spec={"metrics": []}))
    del body["spec"]["metrics"]
    return {**body, "apiVersion": HPAS.api_version}

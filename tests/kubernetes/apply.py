"""Objects put into a cluster as ``kubectl apply`` would: by what they say of themselves."""

from typing import Any

import yaml

from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import Resource

CLUSTER_WIDE = {
    "APIService", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace", "Node",
    "PersistentVolume", "PriorityClass", "StorageClass",
}  # fmt: skip
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")


def resource_of(body: dict[str, Any]) -> Resource:
    """The kind of object that it is; its plural is English's, as all of Kubernetes' own are."""
    group, _, version = body["apiVersion"].rpartition("/")
    kind = body["kind"]
    return Resource(group, version, _plural(kind.lower()), namespaced=kind not in CLUSTER_WIDE)


async def apply(api: Api, namespace: str | None, *things: str | dict[str, Any]) -> list[dict[str, Any]]:
    """Create or merge-patch each object, given as YAML of one or more documents or as it is, in the order given.

    Those without a namespace of their own go into ``namespace``. A CustomResourceDefinition is waited for.
    """
    return [await _apply(api, namespace, body) for thing in things for body in _bodies(thing)]


async def create_namespace(api: Api, name: str) -> None:
    """A new namespace that takes pods."""
    await api.create(Resource("", "v1", "namespaces", namespaced=False), None, {"metadata": {"name": name}})
    # Before 1.24 a pod is refused until the account has a token, unless it wants none.
    alone = {"automountServiceAccountToken": False}
    await until(lambda: api.patch(SERVICE_ACCOUNTS, name, "default", alone), f"the default service account of {name}")


def _bodies(thing: str | dict[str, Any]) -> list[dict[str, Any]]:
    return [thing] if isinstance(thing, dict) else [body for body in yaml.safe_load_all(thing) if body]


async def _apply(api: Api, namespace: str | None, body: dict[str, Any]) -> dict[str, Any]:
    resource, name = resource_of(body), body["metadata"]["name"]
    place = body["metadata"].get("namespace", namespace) if resource.namespaced else None
    try:
        done = await api.create(resource, place, body)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        done = await api.patch(resource, place, name, body)
    if body["kind"] == "CustomResourceDefinition":
        await until(lambda: _is_served(api, body["spec"]), f"{name} is served")
    return done


async def _is_served(api: Api, spec: dict[str, Any]) -> bool:
    for version in spec["versions"]:
        if version["served"]:
            kind = Resource(spec["group"], version["name"], spec["names"]["plural"], spec["scope"] == "Namespaced")
            await api.list(kind)
    return True


def _plural(kind: str) -> str:
    if kind == "endpoints":
        return kind
    if kind.endswith("s"):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"

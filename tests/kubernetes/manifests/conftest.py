"""Installations on the real API server."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import yaml

from tests.kubernetes.apply import CLUSTER_WIDE, resource_of
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.manifests.installation import Installation, Kubernetes
from wva.kubernetes.manifests.parts import Part, objects
from wva.kubernetes.manifests.text import as_yaml


async def server_side_apply(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    """What ``kubectl apply --server-side`` does: unlike other requests, it refuses unknown fields."""
    about = body["metadata"]
    path = resource_of(body).path(about.get("namespace"), about["name"])
    kind = "application/apply-patch+yaml"
    return await api._request("PATCH", path, body, query={"fieldManager": "test"}, kind=kind)


@pytest.fixture(params=["cluster", "namespaced", "instance"])
async def installed(request: pytest.FixtureRequest, api: Api, namespace: str) -> AsyncIterator[Installation]:
    """An installation in a namespace of the test; its objects of the cluster are deleted, but for what all share."""
    chosen = Installation(
        image="wva:test",
        namespace=namespace,
        kubernetes=Kubernetes.V1_20,
        namespaced=request.param == "namespaced",
        instance="blue" if request.param == "instance" else None,
        lease="blue.example" if request.param == "instance" else None,
    )
    bodies = list(yaml.safe_load_all(as_yaml(objects(chosen, Part.ALL))))
    for body in bodies:
        await server_side_apply(api, body)
    yield chosen
    for body in bodies:
        if body["kind"] in CLUSTER_WIDE and namespace in body["metadata"]["name"] and body["kind"] != "Namespace":
            with suppress(ApiError):
                await api.delete(resource_of(body), None, body["metadata"]["name"])

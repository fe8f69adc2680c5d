"""A watch that runs while a test looks at its mirror."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.kubernetes import bodies
from wva.control.clock import SystemClock
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.settings import WatchSettings
from wva.kubernetes.watching.watch import Watch

QUICK = WatchSettings(
    page_size=2, watch_s=2.0, patience_s=2.0, first_pause_s=0.1, longest_pause_s=0.3, absent_s=0.3, grace_s=5.0
)  # fmt: skip


@asynccontextmanager
async def watching(
    kubeconfig: Path, scope: Scope, settings: WatchSettings = QUICK, **changes: Any
) -> AsyncIterator[Watch]:
    """A watch in the background; with ``changes`` to its settings."""
    async with Api(await configuration(kubeconfig)) as api:
        watch = Watch(api, scope, SystemClock(), settings=replace(settings, **changes))
        task = asyncio.create_task(watch.run())
        try:
            yield watch
        finally:
            failed = task.done()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not failed


def crd(group: str, version: str, kind: str, plural: str) -> dict[str, Any]:
    """A CustomResourceDefinition that takes anything."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


def of_namespace(body: dict[str, Any]) -> dict[str, Any]:
    """The object without what an API server gives it, for another namespace."""
    kept = {"name", "labels", "annotations"}
    return {**body, "metadata": {name: value for name, value in body["metadata"].items() if name in kept}}


def deployment(name: str, replicas: int = 2) -> dict[str, Any]:
    """One whose pods an API server takes."""
    template = bodies.template("--model=m")
    template["metadata"]["labels"] = {"app": name}
    return of_namespace(bodies.deployment(name, replicas, pod=template))

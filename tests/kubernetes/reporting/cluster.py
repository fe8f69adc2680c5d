"""What the tests read back from the API server."""

from dataclasses import dataclass, field
from typing import Any

from tests.kubernetes.apply import apply
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS
from wva.kubernetes.crd.schema import custom_resource_definition
from wva.kubernetes.reporting.writer import Key


async def declare(api: Api, namespace: str, *names: str, **spec: Any) -> None:
    """``VariantAutoscaling`` objects, and before them their kind."""
    await apply(api, None, custom_resource_definition())
    for name in names:
        body = {
            "apiVersion": "llmd.ai/v1alpha1",
            "kind": "VariantAutoscaling",
            "metadata": {"name": name},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}, "modelID": "m", **spec},
        }
        await api.create(VARIANT_AUTOSCALINGS, namespace, body)


@dataclass(frozen=True, slots=True)
class Known:
    """An object as it was read."""

    version: str
    status: dict[str, Any]


@dataclass
class Shelf:
    """Objects as they were read or written last, as a mirror of the cluster has them."""

    api: Api
    namespace: str
    known: dict[Key, Known] = field(default_factory=dict)
    writes: int = 0

    async def read(self) -> None:
        """As they are now."""
        self.known.clear()
        for body in await self.api.list(VARIANT_AUTOSCALINGS, self.namespace):
            self._take(body)

    def wrote(self, body: dict[str, Any]) -> None:
        self.writes += 1
        self._take(body)

    def _take(self, body: dict[str, Any]) -> None:
        about = body["metadata"]
        self.known[about["namespace"], about["name"]] = Known(about["resourceVersion"], body.get("status") or {})


async def versions(api: Api, namespace: str) -> dict[str, str]:
    """The ``resourceVersion`` of every ``VariantAutoscaling``, by name."""
    found = await api.list(VARIANT_AUTOSCALINGS, namespace)
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}

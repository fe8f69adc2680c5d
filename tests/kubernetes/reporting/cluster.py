"""What the tests read back from the API server."""

from collections.abc import Callable
from typing import Any

from tests.kubernetes.apply import apply
from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS
from wva.kubernetes.crd.schema import custom_resource_definition
from wva.kubernetes.reporting.writer import StatusWriter
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror
from wva.record.problems import Problems


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


class Shown:
    """``VariantAutoscaling`` objects as they were read or written last."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace, self.mirror = api, namespace, Mirror()
        self.writes = 0

    async def read(self) -> None:
        """As they are now."""
        for body in await self.api.list(VARIANT_AUTOSCALINGS, self.namespace):
            self.mirror.seen(Kind.VARIANT_AUTOSCALING, body)

    def wrote(self, body: dict[str, Any]) -> None:
        self.writes += 1
        self.mirror.seen(Kind.VARIANT_AUTOSCALING, body)

    def status(self, name: str) -> dict[str, Any]:
        known = self.mirror.written(self.namespace, name)
        assert known is not None
        return dict(known.status)

    def writer(self, api: Api, leads: Callable[[], bool], clock: Clock, problems: Problems) -> StatusWriter:
        """One that knows these objects."""
        return StatusWriter(api, self.mirror.written, self.wrote, leads, clock, problems)


async def versions(api: Api, namespace: str) -> dict[str, str]:
    """The ``resourceVersion`` of every ``VariantAutoscaling``, by name."""
    found = await api.list(VARIANT_AUTOSCALINGS, namespace)
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}

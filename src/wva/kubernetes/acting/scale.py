"""Writes counts: only where the count is the one that was expected, so that nobody else's is written over."""

from dataclasses import dataclass

from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import DEPLOYMENTS, STATEFUL_SETS, Resource
from wva.kubernetes.objects.workload import Workload

_RESOURCES = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS}
_TRIES = 2


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a write."""

    accepted: bool
    """Whether the count is the wanted one now."""
    found: int
    """The count that was there before."""


async def write_scale(writer: Writer, workload: Workload, count: int, expected: int) -> Written:
    """Set a workload's count where it is ``expected`` still; one that is set already is left.

    Another write in between is looked at once more. Raises ``ApiError`` and ``NotLeadingError``.
    """
    resource: Resource = _RESOURCES[workload.kind]
    namespace, name = workload.meta.key
    for left in reversed(range(_TRIES)):
        scale = await writer.read(resource, namespace, name, "scale")
        found = scale["spec"].get("replicas") or 0
        if found == count or found != expected:
            return Written(found == count, found)
        version = scale["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": count}}
        try:
            await writer.patch(resource, namespace, name, body, "scale")
        except ApiError as error:
            if not error.conflict or not left:
                raise
        else:
            return Written(accepted=True, found=found)
    raise AssertionError("a try returns or raises")

"""What the controller may do, each right with its reason. It asks for nothing else.

Whether it uses them all, and no others, is tested on a real API server.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wva.kubernetes.configuration.parse import SATURATION, SCALE_TO_ZERO
from wva.kubernetes.reporting.ledger import ledger_names
from wva.kubernetes.settings import lease_name

WATCH = ("list", "watch")
READ_METRICS = "/metrics"


class Where(StrEnum):
    """Where a right holds."""

    FLEET = "fleet"
    """Wherever variants may be: in all namespaces, or in the one that is watched."""
    CLUSTER = "cluster"
    """Of the cluster itself. Without it, as in an installation for one namespace, something is unknown and the rest
    goes on."""
    METRICS = "metrics"
    """Of the cluster itself, about metrics: without it nobody can read the controller's own, unless they are open."""
    HOME = "home"
    """In the controller's own namespace."""


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on some kinds of objects of one API group."""

    group: str
    """Empty for the core group, as with ``urls``."""
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    where: Where
    why: str
    names: tuple[str, ...] = ()
    """The only objects that it is about; none is all."""
    urls: tuple[str, ...] = ()
    """Paths of servers that ask the API server who may read them, instead of objects."""

    def rule(self) -> dict[str, Any]:
        """As in a role."""
        if self.urls:
            return {"nonResourceURLs": list(self.urls), "verbs": list(self.verbs)}
        found: dict[str, Any] = {"apiGroups": [self.group], "resources": list(self.resources)}
        if self.names:
            found["resourceNames"] = list(self.names)
        return {**found, "verbs": list(self.verbs)}


def rights(instance: str | None = None, lease: str | None = None) -> tuple[Right, ...]:
    """All of them, for the controller of an instance, or for one without; ``lease`` is the Lease's own name, if any."""
    leading = _leading(lease or lease_name(instance))
    return (*_SEEN, *_WRITTEN, *_OF_THE_CLUSTER, *leading, *_remembering(instance))


def rules(found: Iterable[Right], *where: Where) -> list[dict[str, Any]]:
    """The rules of those that hold there."""
    return [right.rule() for right in found if right.where in where]


_SEEN = (
    Right("", ("pods",), WATCH, Where.FLEET, "replicas: their phases, their nodes, and the GPUs that others hold"),
    Right(
        "apps", ("deployments", "statefulsets"), WATCH, Where.FLEET,
        "scale targets: their counts, and the hardware and engine arguments in their templates",
    ),
    Right("apps", ("replicasets",), WATCH, Where.FLEET, "which Deployment a pod is of, and refused quota"),
    Right(
        "autoscaling", ("horizontalpodautoscalers",), WATCH, Where.FLEET,
        "variants that annotations declare, followers of the gauge, and others who scale the same target",
    ),
    Right("keda.sh", ("scaledobjects",), WATCH, Where.FLEET, "the same, where KEDA is installed"),
    Right("llmd.ai", ("variantautoscalings",), WATCH, Where.FLEET, "variants that are declared by this kind"),
    Right(
        "", ("configmaps",), WATCH, Where.FLEET, "thresholds and scale to zero, for all models and by namespace",
        names=(SATURATION, SCALE_TO_ZERO),
    ),
    Right("", ("services",), WATCH, Where.FLEET, "what sends requests to pods: how they are drained, and who queues"),
    Right(
        "inference.networking.k8s.io", ("inferencepools",), WATCH, Where.FLEET,
        "the endpoint picker of a model, whose queue wakes it from zero",
    ),
    Right("inference.networking.x-k8s.io", ("inferencepools",), WATCH, Where.FLEET, "the same, in its older group"),
)  # fmt: skip
_WRITTEN = (
    Right(
        "apps", ("deployments/scale", "statefulsets/scale"), ("get", "patch"), Where.FLEET,
        "the count of a target in mode direct, and the wake from zero in every mode that acts",
    ),
    Right(
        "", ("pods",), ("get", "patch"), Where.FLEET,
        "draining: a mark on the pod, the label by which it gets requests, and its deletion cost",
    ),
    Right("", ("pods/status",), ("patch",), Where.FLEET, "draining by the readiness gate, where a pod has it"),
    Right("llmd.ai", ("variantautoscalings/status",), ("patch",), Where.FLEET, "the decision and its conditions"),
    Right("", ("events",), ("create", "patch"), Where.FLEET, "what happened to a variant, for kubectl describe"),
)  # fmt: skip
_OF_THE_CLUSTER = (
    Right("", ("nodes",), WATCH, Where.CLUSTER, "GPUs that there are; without it, free GPUs are unknown"),
    Right("", ("namespaces",), WATCH, Where.CLUSTER, "which namespaces take part, are paused, or act"),
    Right(
        "", (), ("get",), Where.METRICS, "queues of endpoint pickers, which ask the API server who may read them",
        urls=(READ_METRICS,),
    ),
    Right(
        "authentication.k8s.io", ("tokenreviews",), ("create",), Where.METRICS, "who asks for the controller's metrics"
    ),
    Right(
        "authorization.k8s.io", ("subjectaccessreviews",), ("create",), Where.METRICS,
        "whether they may read them",
    ),
)  # fmt: skip


def _leading(lease: str) -> tuple[Right, ...]:
    group = "coordination.k8s.io"
    return (
        Right(group, ("leases",), ("create",), Where.HOME, "the Lease that tells who leads; a new one has no name yet"),
        Right(group, ("leases",), ("get", "update"), Where.HOME, "to take and keep it", names=(lease,)),
    )


def _remembering(instance: str | None) -> tuple[Right, ...]:
    return (
        Right("", ("configmaps",), ("create",), Where.HOME, "its own state; a new one has no name yet"),
        Right(
            "", ("configmaps",), ("get", "patch"), Where.HOME, "what a successor has to know, when it changes",
            names=ledger_names(instance),
        ),
    )  # fmt: skip

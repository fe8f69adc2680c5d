"""Nodes: their accelerators, and whether pods may come."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.accelerator import in_catalogue, product
from wva.kubernetes.objects.meta import condition
from wva.kubernetes.resources import Gpus, counted

_KEPT_OFF = frozenset(
    {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "node.kubernetes.io/unschedulable",
        "ToBeDeletedByClusterAutoscaler",
        "DeletionCandidateOfClusterAutoscaler",
        "karpenter.sh/disrupted",
    }
)
"""Taints that no model server's pod tolerates."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node."""

    name: str
    accelerator: str | None
    """Catalogue name; ``None`` is unknown or none."""
    product: str | None
    """What its labels call it."""
    gpus: Gpus
    """Allocatable accelerators."""
    ready: bool
    cordoned: bool
    """Whether it takes no new pods, by its ``spec`` or by a taint that nothing tolerates."""
    pool: str | None
    """Node pool that it belongs to, where its labels say so."""

    @property
    def usable(self) -> bool:
        """Whether new pods may come."""
        return self.ready and not self.cordoned


_POOL_LABELS = (
    "karpenter.sh/nodepool",
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
)


def node(body: Mapping[str, Any]) -> Node:
    """A Node of ``v1``."""
    found, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    labels = found.get("labels") or {}
    called = product(labels)
    known = None if called is None else in_catalogue(called)
    taints = {taint.get("key") for taint in spec.get("taints") or ()}
    return Node(
        name=found["name"],
        accelerator=None if known is None else known.name,
        product=called,
        gpus=counted(status.get("allocatable") or {}),
        ready=(condition(status, "Ready") or {}).get("status") == "True",
        cordoned=bool(spec.get("unschedulable")) or not _KEPT_OFF.isdisjoint(taints),
        pool=next((labels[label] for label in _POOL_LABELS if label in labels), None),
    )

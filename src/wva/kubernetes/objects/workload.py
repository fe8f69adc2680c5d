"""Deployments and StatefulSets, whose counts are changed, and the ReplicaSets between Deployments and their pods."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.accelerator import Placement, placement
from wva.kubernetes.arguments.server import ServerArguments, server_arguments
from wva.kubernetes.objects.meta import Meta, condition, instant, meta
from wva.kubernetes.objects.pod import has_serving_gate
from wva.kubernetes.objects.selector import Selector, selector
from wva.kubernetes.resources import Gpus, pod_gpus

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a controller could not create pods."""

    reason: str
    message: str
    since: float | None
    """Seconds since the epoch."""

    @property
    def by_quota(self) -> bool:
        """Whether a ResourceQuota is used up."""
        return "exceeded quota" in self.message


@dataclass(frozen=True, slots=True)
class Template:
    """What a pod template says of the model server."""

    server: ServerArguments | str
    """Its arguments, or why they could not be found."""
    gpus: Gpus
    """Accelerators of one pod."""
    placement: Placement
    labels: tuple[tuple[str, str], ...]
    """All labels: pools and Services select by any."""
    grace_s: float
    """Seconds that a pod has to stop in."""
    gated: bool = False
    """Whether its pods have the readiness gate by which they are taken out of service."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment or a StatefulSet."""

    api_version: str
    kind: str
    meta: Meta
    replicas: int
    """The count that is worked towards."""
    selector: Selector
    template: Template
    observed_generation: int | None
    """Newest ``spec`` that its controller has acted on."""
    present: int
    """Pods that are there, starting ones included."""
    ready: int
    updated: int
    """Pods of the newest template."""
    revision: str | None
    """Newest template: its number (Deployment) or the hash in its pods' labels (StatefulSet)."""
    refusal: Refusal | None
    """Why it has fewer pods than it wants, where that is not for the scheduler to say."""
    first_ordinal: int = 0
    """Of a StatefulSet: the number of its first pod."""

    @property
    def rolling(self) -> bool:
        """Whether pods of an older template are still to be replaced, or its controller has not looked yet."""
        behind = self.meta.generation is not None and (self.observed_generation or 0) < self.meta.generation
        return behind or self.updated < self.present


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """One template revision of a Deployment."""

    meta: Meta
    revision: str | None
    """The Deployment's number for it."""
    template_hash: str | None
    """What its pods bear as their revision."""
    refusal: Refusal | None


def workload(body: Mapping[str, Any]) -> Workload:
    """A Deployment or StatefulSet of ``apps/v1``."""
    spec, status = body["spec"], body.get("status") or {}
    annotations = body["metadata"].get("annotations") or {}
    replicas = spec.get("replicas")
    return Workload(
        api_version=body.get("apiVersion") or "apps/v1",
        kind=body["kind"],
        meta=meta(body),
        replicas=1 if replicas is None else replicas,
        selector=selector(spec.get("selector") or {}),
        template=_template(spec["template"]),
        observed_generation=status.get("observedGeneration"),
        present=status.get("replicas") or 0,
        ready=status.get("readyReplicas") or 0,
        updated=status.get("updatedReplicas") or 0,
        revision=status.get("updateRevision") or annotations.get(_REVISION),
        refusal=_refusal(status),
        first_ordinal=(spec.get("ordinals") or {}).get("start") or 0,
    )


def replica_set(body: Mapping[str, Any]) -> ReplicaSet:
    """A ReplicaSet of ``apps/v1``."""
    found = body["metadata"]
    return ReplicaSet(
        meta=meta(body),
        revision=(found.get("annotations") or {}).get(_REVISION),
        template_hash=(found.get("labels") or {}).get(_HASH),
        refusal=_refusal(body.get("status") or {}),
    )


def _template(body: Mapping[str, Any]) -> Template:
    spec = body.get("spec") or {}
    grace = spec.get("terminationGracePeriodSeconds")
    return Template(
        server=server_arguments(spec),
        gpus=pod_gpus(spec),
        placement=placement(spec),
        labels=tuple(sorted(((body.get("metadata") or {}).get("labels") or {}).items())),
        grace_s=30.0 if grace is None else float(grace),
        gated=has_serving_gate(spec),
    )


def _refusal(status: Mapping[str, Any]) -> Refusal | None:
    failure = condition(status, "ReplicaFailure")
    if failure is None or failure.get("status") != "True":
        return None
    return Refusal(
        failure.get("reason") or "", failure.get("message") or "", instant(failure.get("lastTransitionTime"))
    )

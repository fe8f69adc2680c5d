"""Pods: thousands of them, so a record keeps little and shares its texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Any

from wva.kubernetes.objects.meta import Owner, condition, instant, meta
from wva.kubernetes.resources import Gpus, pod_gpus

SERVING_GATE = "wva.llmd.ai/serving"
"""Readiness gate by which a pod is taken out of service: it is not ready unless the condition of this type is true."""
DRAINING = "wva.llmd.ai/draining"
"""Annotation of a pod that is taken out of service."""
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_VARIANT = "llm-d.ai/variant"
_HASHES = ("pod-template-hash", "controller-revision-hash")


CRASH_LOOP = "CrashLoopBackOff"
"""What a pod waits for of which a container ends soon, again and again."""
_FORGIVEN_S = 600.0
"""Seconds of one run after which kubelets forget that a container has ended before."""


class PodPhase(StrEnum):
    """``status.phase``."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod. Times are seconds since the epoch, ``None`` where it is not so, or not known."""

    namespace: str
    name: str
    uid: str
    owner: Owner | None
    phase: PodPhase
    ready: bool
    changed_at: float | None
    """When it last became ready or stopped being so."""
    node: str | None
    ip: str | None
    gpus: Gpus
    created_at: float | None
    scheduled_at: float | None
    """When it got its node, and with it its hardware."""
    deleted_at: float | None
    """When its deletion was asked for."""
    unschedulable: str | None
    """Why no node takes it, in the scheduler's words."""
    unschedulable_since: float | None
    waiting: str | None
    """Why a container does not run, as ``CrashLoopBackOff``, also between two ends of it; a start is no reason."""
    restarts: int
    revision: str | None
    """Hash of the template that it was made from."""
    variant: str | None
    """What its label says that it belongs to."""
    deletion_cost: int | None
    serving: bool | None = None
    """Whether the condition of its serving gate is true; ``None`` where it has no such gate."""
    draining: str | None = None
    """What its annotation says of its being taken out of service."""

    @property
    def id(self) -> str:
        """What it is called as a replica."""
        return f"{self.namespace}/{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name

    @property
    def ended(self) -> bool:
        """Whether it is over: it serves no more and holds no hardware."""
        return self.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED)


def pod(body: Mapping[str, Any]) -> Pod:
    """A Pod of ``v1``."""
    found, spec, status = meta(body), body.get("spec") or {}, body.get("status") or {}
    labels = body["metadata"].get("labels") or {}
    ready = condition(status, "Ready") or {}
    scheduled = condition(status, "PodScheduled") or {}
    waits = scheduled.get("status") == "False" and not spec.get("nodeName")
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return Pod(
        namespace=found.namespace,
        name=found.name,
        uid=found.uid,
        owner=found.owner,
        phase=PodPhase(status.get("phase") or PodPhase.PENDING),
        ready=ready.get("status") == "True",
        changed_at=instant(ready.get("lastTransitionTime")),
        node=_shared(spec.get("nodeName")),
        ip=status.get("podIP"),
        gpus=_same(pod_gpus(spec)),
        created_at=found.created_at,
        scheduled_at=instant(scheduled.get("lastTransitionTime")) if scheduled.get("status") == "True" else None,
        deleted_at=found.deleted_at,
        unschedulable=_shared(scheduled.get("message") or scheduled.get("reason")) if waits else None,
        unschedulable_since=instant(scheduled.get("lastTransitionTime")) if waits else None,
        waiting=_waiting(containers),
        restarts=sum(each.get("restartCount") or 0 for each in containers),
        revision=_shared(next((labels[name] for name in _HASHES if name in labels), None)),
        variant=found.label(_VARIANT),
        deletion_cost=_whole((body["metadata"].get("annotations") or {}).get(DELETION_COST)),
        serving=_serving(spec, status),
        draining=found.annotation(DRAINING),
    )


@lru_cache(maxsize=64)
def _same(gpus: Gpus) -> Gpus:
    """One record for all pods that ask for the same; there are few kinds."""
    return gpus


def has_serving_gate(spec: Mapping[str, Any]) -> bool:
    """Whether pods of this ``spec`` have the readiness gate."""
    return any(each.get("conditionType") == SERVING_GATE for each in spec.get("readinessGates") or ())


def _serving(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool | None:
    return (condition(status, SERVING_GATE) or {}).get("status") == "True" if has_serving_gate(spec) else None


def _shared(text: str | None) -> str | None:
    return None if not text else intern(text)


def _waiting(containers: list[Mapping[str, Any]]) -> str | None:
    for status in containers:
        reason = ((status.get("state") or {}).get("waiting") or {}).get("reason")
        if reason not in (None, "", "ContainerCreating", "PodInitializing"):
            return intern(reason)
        if _loops(status):
            return CRASH_LOOP
    return None


def _loops(container: Mapping[str, Any]) -> bool:
    """Whether a container runs once more that ends soon again and again: between two runs kubelets say so."""
    if container.get("ready") or (container.get("restartCount") or 0) < 2:
        return False
    last = (container.get("lastState") or {}).get("terminated") or {}
    began, ended = instant(last.get("startedAt")), instant(last.get("finishedAt"))
    return began is not None and ended is not None and ended - began < _FORGIVEN_S


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None

"""How pods of a workload are taken out of service before they are stopped, and what they bear of it meanwhile."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.election import micro_time
from wva.kubernetes.objects.meta import Pairs, instant
from wva.kubernetes.objects.pod import SERVING_GATE, Pod
from wva.kubernetes.objects.selector import Selector
from wva.kubernetes.objects.workload import Workload

COST_SINCE = (1, 22)
"""The Kubernetes version whose ReplicaSets heed a pod's deletion cost."""


class DrainKind(StrEnum):
    """Ways of taking a pod out of service, the best first."""

    GATE = "readinessGate"
    """Its readiness gate is set to false, so that it is not ready."""
    LABEL = "label"
    """A label by which requests find it, but its workload does not, is taken off."""
    GRACE = "gracePeriod"
    """It is only told to stop: what it ends within its grace period is served."""


@dataclass(frozen=True, slots=True)
class DrainMethod:
    """The way that a workload offers."""

    kind: DrainKind
    labels: tuple[str, ...] = ()
    """Names of the labels to take off."""

    @property
    def drains(self) -> bool:
        """Whether a pod serves on what it has, takes nothing new, and can be taken back."""
        return self.kind is not DrainKind.GRACE


@dataclass(frozen=True, slots=True)
class Draining:
    """What a pod that is out of service bears in an annotation: all that is needed to go on with it, or to undo it."""

    since: float
    """Seconds since the epoch, as the next."""
    deadline: float
    """When it is stopped even if it still serves."""
    kind: DrainKind
    labels: Pairs = ()
    """Labels that were taken off, with their values."""
    cost: int | None = None
    """The deletion cost that it had before."""


def drain_method(workload: Workload, pools: Iterable[Selector], services: Iterable[Selector]) -> DrainMethod:
    """The best way that a workload offers.

    Args:
        workload: The workload.
        pools: Selectors of the inference pools of its namespace.
        services: Those of the Services, which count where no pool selects its pods.

    """
    if workload.template.gated:
        return DrainMethod(DrainKind.GATE)
    bears = dict(workload.template.labels)
    routes = [each for each in pools if each.selects(bears)] or [each for each in services if each.selects(bears)]
    if not routes:
        return DrainMethod(DrainKind.GRACE)
    held = {requirement.key for requirement in workload.selector.requirements}
    free = [_free(route, held) for route in routes]
    shared = Counter(key for keys in free for key in keys)
    taken: list[str] = []
    for keys in free:
        if not keys:
            return DrainMethod(DrainKind.GRACE)
        if keys.isdisjoint(taken):
            taken.append(min(keys, key=lambda key: (-shared[key], key)))
    return DrainMethod(DrainKind.LABEL, tuple(taken)) if taken else DrainMethod(DrainKind.GRACE)


def chooses_victims(workload: Workload, method: DrainMethod, version: tuple[int, int]) -> bool:
    """Whether those pods are stopped that WVA names: a StatefulSet takes the highest numbers, whoever they are.

    ``version`` is the API server's.
    """
    return workload.kind != "StatefulSet" and (method.kind is DrainKind.GATE or version >= COST_SINCE)


def drain_condition(workload: Workload, method: DrainMethod, version: tuple[int, int]) -> Condition:
    """What is said of it to people."""
    if method.kind is DrainKind.GRACE:
        message = (
            f"requests in flight have {workload.template.grace_s:g} s; add readiness gate {SERVING_GATE} to the pod "
            "template, or a label to it and to what selects pods for requests that the workload does not select by"
        )
        return Condition(Aspect.DRAIN_SUPPORTED, False, Because.NO_DRAIN, message)
    if method.kind is DrainKind.GATE:
        return Condition(Aspect.DRAIN_SUPPORTED, True, Because.BY_GATE)
    message = f"by label {', '.join(method.labels)}"
    if not chooses_victims(workload, method, version) and workload.kind != "StatefulSet":
        message += (
            "; before Kubernetes 1.22 the ReplicaSet chooses which pods it stops, and of those ready since the same "
            f"second it may take one that serves: readiness gate {SERVING_GATE} is exact"
        )
    return Condition(Aspect.DRAIN_SUPPORTED, True, Because.BY_LABEL, message)


def written(draining: Draining) -> str:
    """As the annotation has it."""
    body: dict[str, object] = {
        "since": micro_time(draining.since),
        "deadline": micro_time(draining.deadline),
        "method": draining.kind,
    }
    if draining.labels:
        body["labels"] = dict(draining.labels)
    if draining.cost is not None:
        body["deletionCost"] = draining.cost
    return json.dumps(body)


def read(text: str | None) -> Draining | None:
    """What an annotation says; ``None`` where there is none, or nobody can tell what it says."""
    try:
        body = json.loads(text or "")
        since, deadline = instant(body["since"]), instant(body["deadline"])
        labels = tuple(sorted((str(name), str(value)) for name, value in body.get("labels", {}).items()))
        cost = body.get("deletionCost")
        if since is None or deadline is None or not (cost is None or type(cost) is int):
            return None
        return Draining(since, deadline, DrainKind(body["method"]), labels, cost)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def is_unreadable(text: str | None) -> bool:
    """Whether an annotation is there and nobody can tell what it says, as where another version wrote it."""
    return text is not None and read(text) is None


def labels_in(text: str) -> dict[str, str]:
    """Labels that an annotation says were taken off, also where the rest of it cannot be read."""
    try:
        labels = json.loads(text)["labels"]
    except (ValueError, KeyError, TypeError):
        return {}
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def out_of_service(pods: Iterable[Pod]) -> dict[str, Draining]:
    """Pods that bear it, by their names."""
    found = ((pod.name, read(pod.draining)) for pod in pods if pod.draining is not None)
    return {name: draining for name, draining in found if draining is not None}


def _free(route: Selector, held: Collection[str]) -> set[str]:
    """Labels without which it selects a pod no longer, though its workload does."""
    return {each.key for each in route.requirements if each.operator in ("In", "Exists")} - set(held)

"""Horizontal pod autoscalers and KEDA's ScaledObjects: what they scale, by what, and how fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wva.kubernetes.objects.behavior import behavior
from wva.kubernetes.objects.meta import Meta, condition, meta
from wva.policies.hpa.settings import Behavior


class ScalerKind(StrEnum):
    """Which of the two."""

    HPA = "HorizontalPodAutoscaler"
    KEDA = "ScaledObject"


@dataclass(frozen=True, slots=True)
class Target:
    """The object whose count is changed."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def group(self) -> str:
        """The API group: versions of one group mean the same object."""
        return self.api_version.rpartition("/")[0]

    def same(self, other: "Target") -> bool:
        """Whether both are one object, in any version of its group."""
        mine = (self.group, self.kind, self.namespace, self.name)
        return mine == (other.group, other.kind, other.namespace, other.name)


@dataclass(frozen=True, slots=True)
class ExternalMetric:
    """An entry of an HPA's ``spec.metrics`` of type ``External``."""

    name: str
    labels: tuple[tuple[str, str], ...]
    """What its selector asks for."""
    target_type: str
    """``AverageValue`` or ``Value``."""
    target: str
    """The quantity, as written."""


@dataclass(frozen=True, slots=True)
class Scaler:
    """An object that scales another one."""

    kind: ScalerKind
    meta: Meta
    target: Target
    min_replicas: int
    max_replicas: int
    behavior: Behavior | None
    """How fast it moves; ``None`` is the controller's own way for objects that say nothing."""
    metrics: tuple[ExternalMetric, ...]
    queries: tuple[str, ...]
    """What KEDA's Prometheus triggers ask for."""
    other_metrics: int
    """Entries, or triggers, of other types."""
    paused: bool
    idle_replicas: int | None
    """What KEDA leaves running while nothing triggers; ``None`` is its minimum."""
    polling_s: float | None
    """How often KEDA looks, in seconds."""
    cooldown_s: float | None
    """How long KEDA waits before it goes to zero."""
    desired: int | None
    """The count that it last asked for."""
    active: bool | None
    """Whether its metrics can be read (HPA) or anything triggers (KEDA); ``None`` is not said."""
    problem: str | None = None
    """What could not be read, in one line."""
    nothing_is_zero: bool = False
    """Whether a KEDA query that finds nothing counts as 0, as KEDA has it unless told otherwise."""


def horizontal_pod_autoscaler(body: Mapping[str, Any]) -> Scaler:
    """An HPA of ``autoscaling/v1``, ``v2beta2`` or ``v2``."""
    found, spec, status = meta(body), body["spec"], body.get("status") or {}
    minimum = spec.get("minReplicas")
    metrics = spec.get("metrics") or ()
    external = tuple(_external(entry["external"]) for entry in metrics if entry.get("type") == "External")
    by_cpu = spec.get("targetCPUUtilizationPercentage") is not None
    active = condition(status, "ScalingActive")
    rules, problem = behavior(spec.get("behavior"))
    return Scaler(
        kind=ScalerKind.HPA,
        meta=found,
        target=_target(spec["scaleTargetRef"], found.namespace),
        min_replicas=1 if minimum is None else minimum,
        max_replicas=spec["maxReplicas"],
        behavior=rules,
        metrics=external,
        queries=(),
        other_metrics=len(metrics) - len(external) + by_cpu,
        paused=False,
        idle_replicas=None,
        polling_s=None,
        cooldown_s=None,
        desired=status.get("desiredReplicas"),
        active=None if active is None else active.get("status") == "True",
        problem=problem,
    )


def scaled_object(body: Mapping[str, Any]) -> Scaler:
    """A ScaledObject of ``keda.sh/v1alpha1``, with KEDA's defaults: 0 to 100, every 30 s, zero after 300 s."""
    found, spec, status = meta(body), body["spec"], body.get("status") or {}
    advanced = (spec.get("advanced") or {}).get("horizontalPodAutoscalerConfig") or {}
    triggers = spec.get("triggers") or ()
    asking = [each["metadata"] for each in triggers if each.get("type") == "prometheus"]
    queries = tuple(each.get("query") or "" for each in asking)
    active = condition(status, "Active")
    rules, problem = behavior(advanced.get("behavior"))
    return Scaler(
        kind=ScalerKind.KEDA,
        meta=found,
        target=_target(spec["scaleTargetRef"], found.namespace),
        min_replicas=spec.get("minReplicaCount") or 0,
        max_replicas=_or(spec.get("maxReplicaCount"), 100),
        behavior=rules,
        metrics=(),
        queries=queries,
        other_metrics=len(triggers) - len(queries),
        paused=_paused(found),
        idle_replicas=spec.get("idleReplicaCount"),
        polling_s=float(_or(spec.get("pollingInterval"), 30)),
        cooldown_s=float(_or(spec.get("cooldownPeriod"), 300)),
        desired=None,
        active=None if active is None else active.get("status") == "True",
        problem=problem,
        nothing_is_zero=any(str(each.get("ignoreNullValues", "true")).lower() != "false" for each in asking),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _paused(found: Meta) -> bool:
    paused = found.annotation("autoscaling.keda.sh/paused")
    return paused == "true" or found.annotation("autoscaling.keda.sh/paused-replicas") is not None


def _target(reference: Mapping[str, Any], namespace: str) -> Target:
    kind = reference.get("kind") or "Deployment"
    return Target(reference.get("apiVersion") or "apps/v1", kind, namespace, reference["name"])


def _external(entry: Mapping[str, Any]) -> ExternalMetric:
    metric, target = entry["metric"], entry["target"]
    labels = ((metric.get("selector") or {}).get("matchLabels") or {}).items()
    kind = target.get("type") or ""
    value = target.get("averageValue") if kind == "AverageValue" else target.get("value")
    return ExternalMetric(metric["name"], tuple(sorted(labels)), kind, str(value))

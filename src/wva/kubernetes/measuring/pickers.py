"""Endpoint pickers: which Services of them stand in front of which models, and where they show their metrics."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.objects.inference_pool import InferencePool
from wva.kubernetes.objects.meta import condition
from wva.kubernetes.objects.selector import Selector
from wva.kubernetes.objects.service import Service
from wva.kubernetes.objects.workload import Workload

_METRICS = "metric"
"""What the name of a metrics' port has in it."""


@dataclass(frozen=True, slots=True, order=True)
class PickerService:
    """A Service of endpoint pickers."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """One endpoint picker."""

    id: str
    url: str
    """Base of the addresses of its metrics."""


def pickers_of(
    workloads: Iterable[tuple[str, Workload]], pools: Collection[InferencePool], group: str | None = None
) -> Mapping[str, frozenset[PickerService]]:
    """The Services that requests for each model come through, by the model's name in the fleet.

    Args:
        workloads: Each with the name of its model.
        pools: All InferencePools.
        group: The API group whose pools count; ``None`` is both.

    """
    by_namespace = defaultdict[str, list[InferencePool]](list)
    for pool in pools:
        if pool.picker is not None and pool.selector.requirements and group in (None, pool.group):
            by_namespace[pool.meta.namespace].append(pool)
    found = defaultdict[str, set[PickerService]](set)
    for model, workload in workloads:
        labels = dict(workload.template.labels)
        for pool in by_namespace.get(workload.meta.namespace, ()):
            if pool.picker is not None and pool.selector.selects(labels):
                found[model].add(PickerService(pool.meta.namespace, pool.picker.service))
    return {model: frozenset(services) for model, services in found.items()}


def addresses(service: Service, pods: Iterable[Mapping[str, Any]]) -> tuple[Address, ...] | str:
    """Where the pods behind a Service show their metrics, or why that is not known, in one line.

    The metrics' port is the first of the Service, or else of the pod, whose name speaks of metrics. Pods that are not
    ready are left out: they pick for nobody.
    """
    wanted = next((port.target for port in service.ports if _METRICS in port.name), None)
    found: list[Address] = []
    for pod in pods:
        status, about = pod.get("status") or {}, pod["metadata"]
        ready = (condition(status, "Ready") or {}).get("status") == "True"
        if not ready or about.get("deletionTimestamp") or not status.get("podIP"):
            continue
        port = wanted if isinstance(wanted, int) else _container_port(pod.get("spec") or {}, wanted)
        if port is None:
            name = f"{service.meta.namespace}/{service.meta.name}"
            return f"neither Service {name} nor its pods have a port whose name speaks of metrics; add one"
        host = f"[{status['podIP']}]" if ":" in status["podIP"] else status["podIP"]
        found.append(Address(f"{about['namespace']}/{about['name']}", f"http://{host}:{port}"))
    return tuple(found)


def label_selector(selector: Selector) -> str:
    """A Service's selector as a query."""
    return ",".join(f"{each.key}={each.values[0]}" for each in selector.requirements)


def _container_port(pod_spec: Mapping[str, Any], name: str | None) -> int | None:
    """The port of that name, or the first that speaks of metrics."""
    for container in pod_spec.get("containers") or ():
        for port in container.get("ports") or ():
            own = port.get("name") or ""
            if own == name or (name is None and _METRICS in own):
                return int(port["containerPort"])
    return None

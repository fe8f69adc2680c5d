"""Endpoint pickers: which Services of them stand in front of which models, and where they show their metrics."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.objects.inference_pool import InferencePool
from wva.kubernetes.objects.workload import Workload


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


def addresses(service: PickerService, endpoints: Mapping[str, Any]) -> tuple[Address, ...] | str:
    """Where the pods of a Service show their metrics, by its ``Endpoints``; or why that is not known, in one line.

    The metrics' port is the first whose name speaks of metrics. Pods that are not ready are left out: they pick for
    nobody.
    """
    found: dict[str, Address] = {}
    named = False
    for subset in endpoints.get("subsets") or ():
        port = next((each["port"] for each in subset.get("ports") or () if "metric" in (each.get("name") or "")), None)
        if port is None:
            continue
        named = True
        for address in subset.get("addresses") or ():
            host = f"[{address['ip']}]" if ":" in address["ip"] else address["ip"]
            name = (address.get("targetRef") or {}).get("name") or host
            found[name] = Address(f"{service.namespace}/{name}", f"http://{host}:{port}")
    if endpoints.get("subsets") and not named:
        return f"Service {service.namespace}/{service.name} has no port whose name speaks of metrics; add one"
    return tuple(found.values())

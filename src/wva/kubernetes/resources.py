"""GPUs in a container's, a pod's and a node's resources."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WHOLE = frozenset({"nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi", "gpu.intel.com/i915", "gpu.intel.com/xe"})
_OLDER = frozenset({"intel.com/gpu", "nvidia.com/gpu.shared"})
_SLICE = re.compile(r"nvidia\.com/mig-\d+g\.\d+gb(\.me)?")
_QUANTITY = re.compile(r"(\d+)(k|M|G)?")
_FACTORS = {None: 1, "k": 1000, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, slots=True)
class Gpus:
    """How many accelerators something asks for or has."""

    resource: str | None
    """The name that they are asked for by, as ``nvidia.com/gpu``; ``None`` where there are none, or several kinds."""
    count: int | None
    """``None`` is unknown: what is asked for cannot be read."""

    @property
    def asked(self) -> bool:
        """Whether there are any, as far as can be told."""
        return self.count != 0


NONE = Gpus(None, 0)


def is_gpu(resource: str) -> bool:
    """Whether a resource is an accelerator, or a slice of one."""
    return resource in _WHOLE or resource in _OLDER or _SLICE.fullmatch(resource) is not None


def is_slice(resource: str) -> bool:
    """Whether a resource is a part of a GPU (NVIDIA's MIG, or time-shared)."""
    return _SLICE.fullmatch(resource) is not None or resource.endswith(".shared")


def container_gpus(container: Mapping[str, Any]) -> Gpus:
    """What one container asks for; where only a limit is set, the request equals it."""
    resources = container.get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    if resources.get("claims"):
        return Gpus(None, None)
    return counted(asked)


def pod_gpus(pod_spec: Mapping[str, Any]) -> Gpus:
    """What a pod holds: its containers together, or its largest init container where that asks for more.

    Init containers that go on running (sidecars) count with the containers.
    """
    init = pod_spec.get("initContainers") or ()
    sidecars = [container for container in init if container.get("restartPolicy") == "Always"]
    together = _sum([container_gpus(container) for container in (*(pod_spec.get("containers") or ()), *sidecars)])
    before = [container_gpus(container) for container in init]
    largest = max((each for each in before if each.count is not None), key=lambda each: each.count or 0, default=NONE)
    if together.count is None or any(each.count is None for each in before):
        return Gpus(together.resource, None)
    return largest if (largest.count or 0) > together.count else together


def counted(quantities: Mapping[str, Any]) -> Gpus:
    """The accelerators among quantities by resource name: a container's, or a node's allocatable ones."""
    found = [Gpus(name, _count(quantity)) for name, quantity in quantities.items() if is_gpu(name)]
    return _sum([gpus for gpus in found if gpus.asked])


def _sum(several: list[Gpus]) -> Gpus:
    asked = [gpus for gpus in several if gpus.asked]
    if not asked:
        return NONE
    resources = {gpus.resource for gpus in asked}
    counts = [gpus.count for gpus in asked]
    total = None if None in counts else sum(count for count in counts if count is not None)
    return Gpus(asked[0].resource if len(resources) == 1 else None, total)


def _count(quantity: Any) -> int | None:
    match = _QUANTITY.fullmatch(str(quantity))
    return int(match.group(1)) * _FACTORS[match.group(2)] if match else None

"""Inference pools: pods behind one endpoint picker, which queues and routes their requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.objects.meta import Meta, meta
from wva.kubernetes.objects.selector import Selector, selector

_PICKER_PORT = 9002
"""What the older group's API server fills in."""


@dataclass(frozen=True, slots=True)
class Picker:
    """An endpoint picker: a Service of the pool's namespace."""

    service: str
    port: int | None
    """On which the proxy asks it, which is not that of its metrics; ``None`` where the Service has only one."""


@dataclass(frozen=True, slots=True)
class InferencePool:
    """An InferencePool of either API group."""

    group: str
    meta: Meta
    selector: Selector
    ports: tuple[int, ...]
    """On which its pods serve."""
    picker: Picker | None
    """``None`` where it has none, or it is no Service."""


def inference_pool(body: Mapping[str, Any]) -> InferencePool:
    """An InferencePool of ``inference.networking.k8s.io/v1`` or ``inference.networking.x-k8s.io/v1alpha2``."""
    spec = body["spec"]
    group = body["apiVersion"].rpartition("/")[0]
    current = "endpointPickerRef" in spec or "targetPorts" in spec
    wanted = spec.get("selector") or {}
    return InferencePool(
        group=group,
        meta=meta(body),
        selector=selector(wanted if current else {"matchLabels": wanted}),
        ports=tuple(each["number"] for each in spec["targetPorts"]) if current else (spec["targetPortNumber"],),
        picker=_picker(spec.get("endpointPickerRef")) if current else _older_picker(spec.get("extensionRef")),
    )


def _picker(reference: Mapping[str, Any] | None) -> Picker | None:
    if reference is None or not _is_service(reference):
        return None
    return Picker(reference["name"], (reference.get("port") or {}).get("number"))


def _older_picker(reference: Mapping[str, Any] | None) -> Picker | None:
    if reference is None or not _is_service(reference):
        return None
    return Picker(reference["name"], reference.get("portNumber") or _PICKER_PORT)


def _is_service(reference: Mapping[str, Any]) -> bool:
    return not reference.get("group") and (reference.get("kind") or "Service") == "Service"

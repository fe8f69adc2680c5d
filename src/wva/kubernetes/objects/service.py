"""Services: by which pods are reached as one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.objects.meta import Meta, meta
from wva.kubernetes.objects.selector import Selector, selector


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service."""

    name: str
    """Empty where it is the only one and has none."""
    port: int
    """The Service's own."""
    target: int | str
    """The pods': a number, or the name that a container gives it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A Service."""

    meta: Meta
    selector: Selector | None
    """Its pods; ``None`` where somebody else says where it leads."""
    ports: tuple[ServicePort, ...]


def service(body: Mapping[str, Any]) -> Service:
    """A Service of ``v1``."""
    spec = body.get("spec") or {}
    labels = spec.get("selector")
    ports = (
        ServicePort(each.get("name") or "", each["port"], each.get("targetPort") or each["port"])
        for each in spec.get("ports") or ()
    )
    return Service(meta(body), selector({"matchLabels": labels}) if labels else None, tuple(ports))

"""What is chosen of an installation, and what its objects are called."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wva.fleet.errors import UserError
from wva.kubernetes.settings import HOME

APPLICATION = "workload-variant-autoscaler"
METRICS_READER = "wva-metrics-reader"
"""The ClusterRole of those who may read the metrics of any controller."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_LONGEST_OF_OBJECTS = 253
_LONGEST = 40
"""Of names that others are made of, which may have 63 characters."""

Body = dict[str, Any]


class Kubernetes(StrEnum):
    """Versions whose API groups differ in what is installed."""

    V1_20 = "1.20"
    """Before 1.21."""
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Installation:
    """One controller."""

    image: str
    namespace: str = HOME
    kubernetes: Kubernetes = Kubernetes.CURRENT
    namespaced: bool = False
    """Whether it looks at its own namespace alone, with rights for that."""
    instance: str | None = None
    """Tells several controllers of a cluster apart."""
    lease: str | None = None
    """Name of the Lease by which they choose who leads, where it is not the usual one."""

    def __post_init__(self) -> None:
        for what, value in (("namespace", self.namespace), ("instance", self.instance)):
            longest = _LONGEST if what == "instance" else 63
            if value is not None and (len(value) > longest or not _LABEL.fullmatch(value)):
                raise UserError(
                    f"{what} {value!r}: must be at most {longest} small letters, digits and -, as Kubernetes names are"
                )
        if self.lease is not None and (len(self.lease) > _LONGEST_OF_OBJECTS or not _SUBDOMAIN.fullmatch(self.lease)):
            raise UserError(
                f"lease {self.lease!r}: must be at most {_LONGEST_OF_OBJECTS} small letters, digits, - and ., "
                "as Kubernetes names are"
            )
        if not self.image or any(letter.isspace() for letter in self.image):
            raise UserError(f"image {self.image!r}: must be a reference such as registry.example/wva:1.0")

    def name(self, part: str) -> str:
        """The name of an object in the controller's namespace."""
        return f"wva-{self.instance}-{part}" if self.instance else f"wva-{part}"

    def cluster_name(self, part: str) -> str:
        """The name of an object of the cluster, which other installations must not have as well."""
        name = self.name(part)
        return f"{name}-{self.namespace}" if self.namespaced or self.namespace != HOME else name

    @property
    def selector(self) -> dict[str, str]:
        """Labels of its pods, and of no other's: neither another instance's nor the reference's."""
        return {
            "app.kubernetes.io/name": APPLICATION,
            "app.kubernetes.io/instance": f"wva-{self.instance}" if self.instance else "wva",
            "control-plane": "controller-manager",
        }

    def metadata(self, name: str) -> Body:
        """Of an object in its namespace."""
        return {"name": name, "namespace": self.namespace, "labels": self.selector}

    def cluster_metadata(self, name: str) -> Body:
        """Of an object of the cluster."""
        return {"name": name, "labels": {"app.kubernetes.io/name": APPLICATION}}

"""An installation in parts, for those who may not do everything at once."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from wva.kubernetes.crd.schema import custom_resource_definition
from wva.kubernetes.manifests.config_maps import config_maps
from wva.kubernetes.manifests.controller import deployment, disruption_budget, service, service_monitor
from wva.kubernetes.manifests.installation import Body, Installation
from wva.kubernetes.manifests.rbac import accounts, users_roles


class Part(StrEnum):
    """Objects that are applied together."""

    CRD = "crd"
    """For the whole cluster: the kind, and who may edit its objects."""
    RBAC = "rbac"
    """The namespace, the account and its rights."""
    CONTROLLER = "controller"
    """What runs, and its settings."""
    MONITORING = "monitoring"
    """For clusters with the Prometheus operator; its kind is not everywhere."""
    ALL = "all"
    """Everything but monitoring."""


def objects(chosen: Installation, part: Part) -> list[Body]:
    """The objects of a part, in an order in which they can be created."""
    wanted = (Part.CRD, Part.RBAC, Part.CONTROLLER) if part is Part.ALL else (part,)
    return [body for each in wanted for body in _PARTS[each](chosen)]


def _kind(chosen: Installation) -> list[Body]:
    return [custom_resource_definition(), *users_roles(chosen)]


def _rbac(chosen: Installation) -> list[Body]:
    # Who installs for one namespace has it already.
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": chosen.cluster_metadata(chosen.namespace)}
    return accounts(chosen) if chosen.namespaced else [made, *accounts(chosen)]


def _controller(chosen: Installation) -> list[Body]:
    return [*config_maps(chosen), deployment(chosen), service(chosen), disruption_budget(chosen)]


def _monitoring(chosen: Installation) -> list[Body]:
    return [service_monitor(chosen)]


_PARTS: Mapping[Part, Callable[[Installation], list[Body]]] = {
    Part.CRD: _kind,
    Part.RBAC: _rbac,
    Part.CONTROLLER: _controller,
    Part.MONITORING: _monitoring,
}

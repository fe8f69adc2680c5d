"""The controller's account and what it may do."""

from typing import Any

from wva.kubernetes.crd.schema import GROUP, PLURAL
from wva.kubernetes.manifests.installation import METRICS_READER, Body, Installation
from wva.kubernetes.manifests.rights import READ_METRICS, Where, rights, rules

_RBAC = "rbac.authorization.k8s.io"
ACCOUNT = "controller"


def accounts(chosen: Installation) -> list[Body]:
    """The ServiceAccount, its roles, and the role of those who read its metrics."""
    found = rights(chosen.instance, chosen.lease)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": chosen.metadata(chosen.name(ACCOUNT))}
    if chosen.namespaced:
        bound = _bound(chosen, "Role", "controller", rules(found, Where.FLEET, Where.HOME))
    else:
        bound = _bound(chosen, "ClusterRole", "controller", rules(found, Where.FLEET, Where.CLUSTER))
        bound += _bound(chosen, "Role", "leader-election", rules(found, Where.HOME))
    bound += _bound(chosen, "ClusterRole", "metrics", rules(found, Where.METRICS))
    reader = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": chosen.cluster_metadata(METRICS_READER),
        "rules": [{"nonResourceURLs": [READ_METRICS], "verbs": ["get"]}],
    }
    return [account, *bound, reader]


def users_roles(chosen: Installation) -> list[Body]:
    """What those who may edit or view a namespace may do with the ``VariantAutoscaling`` objects in it."""
    viewing = ["get", "list", "watch"]
    editing = [*viewing, "create", "update", "patch", "delete", "deletecollection"]
    return [
        _users_role(chosen, "view", viewing, ["view"]),
        _users_role(chosen, "edit", editing, ["edit", "admin"]),
    ]


def _users_role(chosen: Installation, name: str, verbs: list[str], into: list[str]) -> Body:
    about = chosen.cluster_metadata(f"wva-{PLURAL}-{name}")
    labels = {**about["labels"], **{f"{_RBAC}/aggregate-to-{role}": "true" for role in into}}
    rule = {"apiGroups": [GROUP], "resources": [PLURAL], "verbs": verbs}
    return {
        "apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {**about, "labels": labels}, "rules": [rule],
    }  # fmt: skip


def _bound(chosen: Installation, kind: str, part: str, allowed: list[dict[str, Any]]) -> list[Body]:
    """A role, and the account's binding to it."""
    of_cluster = kind == "ClusterRole"
    name = chosen.cluster_name(part) if of_cluster else chosen.name(part)
    about = chosen.cluster_metadata(name) if of_cluster else chosen.metadata(name)
    subject = {"kind": "ServiceAccount", "name": chosen.name(ACCOUNT), "namespace": chosen.namespace}
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": about, "rules": allowed},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": about,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
            "subjects": [subject],
        },
    ]

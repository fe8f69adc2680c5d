"""ServiceAccounts with the rights that a test gives them, and kubeconfigs that speak for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.apply import SERVICE_ACCOUNTS, apply
from wva.kubernetes.api.client import Api

RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount that the API server knows."""

    user: str
    """As the API server calls it."""
    token: str
    kubeconfig: Path


async def service_account(
    api: Api, admin: Path, directory: Path, namespace: str, name: str,
    rules: Sequence[dict[str, Any]], cluster_rules: Sequence[dict[str, Any]] = (),
) -> Account:  # fmt: skip
    """Make an account with a Role in its namespace and a ClusterRole, where they have rules, and a token of an hour.

    ``admin`` is the kubeconfig whose server the new one in ``directory`` names.
    """
    await apply(api, namespace, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    subject = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
    if rules:
        await apply(api, namespace, *bound("", name, rules, subject))
    if cluster_rules:
        # Named after the namespace: tests side by side would otherwise change each other's.
        await apply(api, None, *bound("Cluster", f"{namespace}-{name}", cluster_rules, subject))
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = (await api.create(SERVICE_ACCOUNTS, namespace, asked, name, "token"))["status"]["token"]
    kubeconfig = directory / f"{namespace}-{name}.kubeconfig"
    kubeconfig.write_text(_speaking_for(admin, name, token))
    return Account(f"system:serviceaccount:{namespace}:{name}", token, kubeconfig)


def bound(
    scope: str, name: str, rules: Sequence[dict[str, Any]], subject: dict[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A role with these rules and its binding; ``scope`` is ``Cluster`` or empty."""
    role = {"apiVersion": f"{RBAC}/v1", "kind": f"{scope}Role", "metadata": {"name": name}, "rules": list(rules)}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{scope}RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": f"{scope}Role", "name": name},
        "subjects": [subject],
    }
    return role, binding


def _speaking_for(admin: Path, name: str, token: str) -> str:
    """The kubeconfig with one user, who has this token."""
    config = yaml.safe_load(admin.read_text())
    current = next(each for each in config["contexts"] if each["name"] == config["current-context"])
    context = {"name": name, "context": {"cluster": current["context"]["cluster"], "user": name}}
    users = [{"name": name, "user": {"token": token}}]
    return yaml.safe_dump({**config, "users": users, "contexts": [context], "current-context": name})

"""Objects as YAML, and as a folder that kustomize takes."""

from collections.abc import Iterable
from typing import Any

import yaml

from wva.kubernetes.manifests.installation import Installation
from wva.kubernetes.manifests.parts import Part, objects

_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and nothing as a reference to something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _string)


def as_yaml(bodies: Iterable[dict[str, Any]]) -> str:
    """One document each."""
    texts = [yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=_WIDTH) for body in bodies]
    return "---\n".join(texts)


def kustomization(chosen: Installation) -> dict[str, str]:
    """Files by name: every part but monitoring, and what lists them. Who installs for one namespace has no kind to."""
    parts = (Part.RBAC, Part.CONTROLLER) if chosen.namespaced else (Part.CRD, Part.RBAC, Part.CONTROLLER)
    files = {f"{part}.yaml": as_yaml(objects(chosen, part)) for part in parts}
    listing = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(files),
    }
    return {**files, "kustomization.yaml": as_yaml([listing])}

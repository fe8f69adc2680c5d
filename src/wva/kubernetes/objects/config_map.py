"""ConfigMaps with WVA's settings, and the namespaces that take part."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.kubernetes.objects.meta import Meta, Pairs, meta

EXCLUDE = "wva.llmd.ai/exclude"
_OPT_IN = "wva.llmd.ai/config-enabled"


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A ConfigMap."""

    meta: Meta
    version: str
    """Its ``resourceVersion``: another text is another content."""
    data: tuple[tuple[str, str], ...]
    """Texts by key, sorted."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace."""

    name: str
    excluded: bool
    """Whether nothing in it is WVA's business."""
    opted_in: bool
    """Whether its own ConfigMaps count even before there is a variant in it."""
    annotations: Pairs = ()
    """Only as far as they matter to WVA."""

    def annotation(self, name: str) -> str | None:
        """The value of a kept annotation."""
        return dict(self.annotations).get(name)


def config_map(body: Mapping[str, Any]) -> ConfigMap:
    """A ConfigMap of ``v1``; binary data are left out."""
    version = body["metadata"].get("resourceVersion") or ""
    return ConfigMap(meta(body), version, tuple(sorted((body.get("data") or {}).items())))


def namespace(body: Mapping[str, Any]) -> Namespace:
    """A Namespace of ``v1``; one that is being deleted is excluded."""
    found = meta(body)
    excluded = found.annotation(EXCLUDE) == "true" or found.deleted_at is not None
    return Namespace(found.name, excluded, found.label(_OPT_IN) == "true", found.annotations)

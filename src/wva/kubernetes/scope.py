"""Which objects are this controller's business."""

from collections.abc import Mapping
from dataclasses import dataclass

from wva.kubernetes.objects.config_map import Namespace
from wva.kubernetes.objects.meta import Meta

INSTANCE = "wva.llmd.ai/controller-instance"


@dataclass(frozen=True, slots=True)
class Scope:
    """How a controller is told apart from others, and where it looks."""

    home: str
    """Its own namespace, in which the global ConfigMaps are."""
    instance: str | None = None
    """Only what bears this in its label is its business; without one, only what bears none."""
    only_namespace: str | None = None
    """The one namespace that it looks at; ``None`` is all."""
    nodes: str | None = None
    """Label selector of the nodes whose hardware counts; ``None`` is all."""

    def covers(self, meta: Meta, namespaces: Mapping[str, Namespace]) -> bool:
        """Whether an object that declares a variant is its business."""
        return meta.deleted_at is None and self.is_own(meta) and self.covers_namespace(meta.namespace, namespaces)

    def is_own(self, meta: Meta) -> bool:
        """Whether an object is for this controller, and not for one of another instance."""
        return (meta.label(INSTANCE) or None) == (self.instance or None)

    def covers_namespace(self, name: str, namespaces: Mapping[str, Namespace]) -> bool:
        """Whether it looks there: a controller for one namespace takes no part in choosing among them."""
        if self.only_namespace is not None:
            return name == self.only_namespace
        found = namespaces.get(name)
        return found is None or not found.excluded

    def reads_config_maps(self, name: str, namespaces: Mapping[str, Namespace], *, has_variants: bool) -> bool:
        """Whether that namespace's own ConfigMaps count."""
        if not self.covers_namespace(name, namespaces):
            return name == self.home
        found = namespaces.get(name)
        opted_in = found is not None and found.opted_in
        return has_variants or opted_in or name in (self.home, self.only_namespace)

"""What variants and models of a cluster are called in metrics: as their users call them, namespaces apart."""

from collections.abc import Callable

from wva.fleet.model import Model
from wva.fleet.variant import Variant
from wva.kubernetes.managed import Managed
from wva.prometheus.gauges import ModelLabels, Names, VariantLabels


class ClusterNames(Names):
    """Names by the objects that declare."""

    def __init__(self, find: Callable[[str], Managed | None]) -> None:
        """``find`` gives a variant as it is now, by its name in the fleet."""
        self._find = find

    def variant(self, variant: Variant, namespace: str) -> VariantLabels:
        """``metadata.name`` of the object that declares it, and the accelerator's short name."""
        known = self._find(variant.name)
        label = None if known is None or known.found.accelerator is None else known.found.accelerator.label
        return VariantLabels(variant.name.partition("/")[2], namespace, label or variant.accelerator)

    def model(self, model: Model) -> ModelLabels:
        """The name that clients ask for."""
        return ModelLabels(model.name.partition("/")[2], model.namespace)

    def is_withheld(self, variant: Variant) -> bool:
        """One that is paused, or said to be only advised on, stays as it is, whoever follows it."""
        known = self._find(variant.name)
        if known is None:
            return False
        return known.orders.paused or (not known.orders.follows and bool(known.following))

"""Label selectors: which objects another one means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that must hold of a label."""

    key: str
    operator: str
    """``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``."""
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it does."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
        return False


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector; without requirements it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is meant."""
        return all(requirement.holds(labels) for requirement in self.requirements)


def selector(body: Mapping[str, Any]) -> Selector:
    """A ``LabelSelector`` with ``matchLabels`` and ``matchExpressions``."""
    labels = (body.get("matchLabels") or {}).items()
    expressions = body.get("matchExpressions") or ()
    return Selector(
        (
            *(Requirement(key, "In", (value,)) for key, value in labels),
            *(Requirement(each["key"], each["operator"], tuple(each.get("values") or ())) for each in expressions),
        )
    )

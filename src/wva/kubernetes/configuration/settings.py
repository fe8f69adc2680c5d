"""What all ConfigMaps together say of one model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from wva.kubernetes.configuration.parse import SATURATION, SCALE_TO_ZERO, Accepted
from wva.kubernetes.configuration.schema import Entry, SaturationEntry, ScaleToZeroEntry, disagreement

RETENTION_S = 600.0
"""How long a model is idle before it goes to zero, in seconds, where nothing is said."""

E = TypeVar("E", bound=Entry)

ConfigMaps = Mapping[tuple[str, str], Accepted]
"""By namespace and name."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Settings of one model."""

    saturation: SaturationEntry = field(default_factory=SaturationEntry)
    """What is said of thresholds; what is not said is the policy's own."""
    priority: float | None = None
    scale_to_zero: bool = False
    retention_s: float = RETENTION_S
    problem: str | None = None
    """What contradicts itself once it is merged, and is left out for that."""


def model_settings(
    maps: ConfigMaps, home: str, namespace: str, model: str, *, to_zero_by_default: bool = False
) -> ModelSettings:
    """Merge field by field: the controller's own namespace (``home``), then the model's, which goes before.

    In each, what is said of the model goes before what is said of all. ``to_zero_by_default`` holds where no ConfigMap
    says otherwise.
    """
    places = (home,) if namespace == home else (home, namespace)
    saturation, problem = _consistent(_entries(maps, places, SATURATION, SaturationEntry, namespace, model))
    zero = _merged(_entries(maps, places, SCALE_TO_ZERO, ScaleToZeroEntry, namespace, model), ScaleToZeroEntry())
    inline = None if saturation.scale_to_zero is None else saturation.scale_to_zero.enabled
    return ModelSettings(
        saturation=saturation,
        priority=saturation.priority,
        scale_to_zero=_first(inline, zero.enable_scale_to_zero, to_zero_by_default),
        retention_s=RETENTION_S if zero.retention_period is None else zero.retention_period,
        problem=problem,
    )


def _entries(maps: ConfigMaps, places: Sequence[str], name: str, kind: type[E], namespace: str, model: str) -> list[E]:
    found = [maps[place, name].layer.of(model, namespace) for place in places if (place, name) in maps]
    return [entry for layer in found for entry in layer if isinstance(entry, kind)]


def _consistent(entries: Sequence[SaturationEntry]) -> tuple[SaturationEntry, str | None]:
    """All of them merged; where that contradicts itself, without the most specific ones that make it so."""
    problem = None
    for count in range(len(entries), 0, -1):
        merged = _merged(entries[:count], SaturationEntry())
        wrong = disagreement(merged)
        if wrong is None:
            return merged, problem
        problem = problem or f"the ConfigMaps together contradict themselves: {wrong}"
    return SaturationEntry(), problem


def _merged(entries: Sequence[E], nothing: E) -> E:
    said: dict[str, object] = {}
    for entry in entries:
        said |= {name: value for name in entry.model_fields_set if (value := getattr(entry, name)) is not None}
    return nothing.model_copy(update=said)


def _first(*values: bool | None) -> bool:
    return next((value for value in values if value is not None), False)

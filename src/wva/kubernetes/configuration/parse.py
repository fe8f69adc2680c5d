"""One ConfigMap as settings: all of it, or a reason why none of it is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import yaml
from pydantic import ValidationError

from wva.kubernetes.configuration.schema import Entry, SaturationEntry, ScaleToZeroEntry
from wva.kubernetes.objects.config_map import ConfigMap
from wva.kubernetes.objects.meta import Meta

SATURATION = "wva-saturation-scaling-config"
SCALE_TO_ZERO = "wva-model-scale-to-zero-config"
DEFAULT = "default"

_ENTRIES: Mapping[str, type[Entry]] = {SATURATION: SaturationEntry, SCALE_TO_ZERO: ScaleToZeroEntry}

E = TypeVar("E", bound=Entry)


def is_settings(name: str) -> bool:
    """Whether a ConfigMap of that name has settings of WVA's."""
    return name in _ENTRIES


@dataclass(frozen=True, slots=True)
class Layer(Generic[E]):
    """What one ConfigMap says."""

    default: E | None
    """Of all models."""
    models: tuple[E, ...]
    """Of some, each once, by key."""
    notices: tuple[str, ...] = ()
    """What was passed over, one line each."""

    def of(self, model: str, namespace: str) -> tuple[E, ...]:
        """What holds of a model, the more specific last: for all, for it anywhere, for it in this namespace."""
        named = [entry for entry in self.models if entry.model_id == model and entry.namespace in (None, namespace)]
        named.sort(key=lambda entry: entry.namespace is not None)
        return (*(() if self.default is None else (self.default,)), *named)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A ConfigMap as it counts now."""

    meta: Meta
    layer: Layer[Entry]
    """Its newest good content."""
    version: str
    """The newest ``resourceVersion`` that was looked at."""
    refusal: str | None = None
    """Why the newest content does not count, in one line."""

    @property
    def complaint(self) -> str | None:
        """What its author should know of the newest content, in one line."""
        if self.refusal is not None:
            return f"not taken, the last good content stays: {self.refusal}"
        return "; ".join(self.layer.notices) or None


def accept(last: Accepted | None, config_map: ConfigMap) -> Accepted:
    """Take a ConfigMap's content, or keep the last good one and say why."""
    if last is not None and last.version == config_map.version:
        return last
    layer = parse(config_map)
    if not isinstance(layer, str):
        return Accepted(config_map.meta, layer, config_map.version)
    kept = Layer[Entry](None, ()) if last is None else last.layer
    return Accepted(config_map.meta, kept, config_map.version, layer)


def parse(config_map: ConfigMap) -> Layer[Entry] | str:
    """The layer, or the first thing that is wrong with it, in one line that names the key."""
    kind = _ENTRIES[config_map.meta.name]
    default: Entry | None = None
    models: dict[tuple[str, str | None], Entry] = {}
    notices = []
    for key, text in config_map.data:
        where = f"ConfigMap {config_map.meta.namespace}/{config_map.meta.name}, key {key}"
        entry = _entry(kind, text)
        if isinstance(entry, str):
            return f"{where}: {entry}"
        notices += [f"{where}: {name} is no setting, so it has no effect" for name in entry.unknown]
        if key == DEFAULT:
            default = entry
        elif entry.model_id is None:
            return f"{where}: names no model; add model_id, or put it under {DEFAULT}"
        elif (entry.model_id, entry.namespace) in models:
            notices.append(f"{where}: model {entry.model_id} has an entry already, which counts; remove one")
        else:
            models[entry.model_id, entry.namespace] = entry
    return Layer(default, tuple(models.values()), tuple(notices))


def _entry(kind: type[Entry], text: str) -> Entry | str:
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return f"is no YAML ({' '.join(str(error).split())})"
    if not isinstance(data, dict):
        return "must be a mapping of names to values"
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        return f"{where}: {what}" if where else what

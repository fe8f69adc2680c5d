"""What an API server does with an object by a structural schema: drop, fill in, check. As far as ours needs it."""

import re
from copy import deepcopy
from datetime import datetime
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}
_VALUE_KEYS = {
    "type", "description", "properties", "required", "items", "format", "default", "enum", "pattern", "minLength",
    "maxLength", "minimum", "maximum", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip


def structural_faults(schema: dict[str, Any], where: str = "") -> list[str]:
    """What keeps a schema from being structural, or from being one that the functions below understand."""
    faults = [f"{where}: {key}" for key in schema.keys() - _VALUE_KEYS]
    if schema.get("type") not in _TYPES:
        return [*faults, f"{where}: no type"]
    if schema["type"] == "array" and "items" not in schema:
        faults.append(f"{where}: no items")
    faults += [
        f"{where}: requires unknown {name}"
        for name in set(schema.get("required", ())) - set(schema.get("properties", ()))
    ]
    if "default" in schema and checked(schema["default"], schema):
        faults.append(f"{where}: its default is not valid")
    for name, inner in schema.get("properties", {}).items():
        faults += structural_faults(inner, f"{where}.{name}")
    return faults + (structural_faults(schema["items"], f"{where}[]") if "items" in schema else [])


def stored(body: Any, schema: dict[str, Any]) -> Any:
    """The object after pruning unknown fields, dropping nulls and filling in defaults."""
    if isinstance(body, list) and "items" in schema:
        return [stored(each, schema["items"]) for each in body]
    if not isinstance(body, dict) or "properties" not in schema:
        return deepcopy(body)
    properties = schema["properties"]
    kept = {name: value for name, value in body.items() if name in properties and value is not None}
    kept |= {name: each["default"] for name, each in properties.items() if "default" in each and name not in kept}
    return {name: stored(value, properties[name]) for name, value in kept.items()}


def checked(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """Where and why a value is invalid."""
    expected = _TYPES[schema["type"]]
    if not isinstance(value, expected) or (schema["type"] == "integer" and isinstance(value, bool)):
        return [f"{where}: type"]
    faults = []
    if "enum" in schema and value not in schema["enum"]:
        faults.append(f"{where}: enum")
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            faults.append(f"{where}: length")
        if "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value, re.ASCII):
            faults.append(f"{where}: pattern")
        if schema.get("format") == "date-time" and not _is_time(value):
            faults.append(f"{where}: format")
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        faults.append(f"{where}: range")
    if isinstance(value, dict):
        faults += [f"{where}.{name}: missing" for name in schema.get("required", ()) if name not in value]
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                faults += checked(value[name], inner, f"{where}.{name}")
    if isinstance(value, list):
        faults += _checked_list(value, schema, where)
    return faults


def _checked_list(value: list[Any], schema: dict[str, Any], where: str) -> list[str]:
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen = [str([each.get(key) for key in keys]) for each in value if isinstance(each, dict)] if keys else []
    faults = [f"{where}: twice"] if len(seen) != len(set(seen)) else []
    return faults + [
        fault for place, each in enumerate(value) for fault in checked(each, schema["items"], f"{where}[{place}]")
    ]


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False

"""Catalogues of accelerators and model shapes: what ships with the package and what the user added."""

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from wva.fleet.accelerator import Accelerator
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

_DENSE: Mapping[str, int] = {"experts": 0, "experts_per_token": 0, "window_layers": 0, "window": 0}
"""What a catalogue entry may leave out, and what that means."""


@cache
def accelerators() -> Mapping[str, Accelerator]:
    """Every accelerator of the catalogue by name."""
    entries = _entries(_packaged("accelerators.toml"), "accelerator", "accelerators.toml")
    return MappingProxyType({entry["name"]: Accelerator(**entry) for entry in entries})


def models() -> Mapping[str, ModelShape]:
    """Every model shape by name, those of the user's own catalogue included; the user's win.

    Raises ``UserError`` when the user's catalogue cannot be read as one.
    """
    return {**packaged_models(), **user_models()}


@cache
def packaged_models() -> Mapping[str, ModelShape]:
    """The model shapes that ship with the package, by name."""
    entries = _entries(_packaged("models.toml"), "model", "models.toml")
    return MappingProxyType({entry["name"]: _shape(entry, "models.toml") for entry in entries})


def user_models() -> Mapping[str, ModelShape]:
    """The model shapes that the user added, by name; empty when there is no such file.

    Raises ``UserError`` when the file cannot be read, is not TOML, or an entry lacks a key or has one of the
    wrong type.
    """
    path = user_models_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    return {entry["name"]: _shape(entry, str(path)) for entry in _entries(text, "model", str(path))}


def user_models_path() -> Path:
    """Where the user's models are kept: ``wva/models.toml`` below ``XDG_CONFIG_HOME``, or below ``~/.config``."""
    configured = os.environ.get("XDG_CONFIG_HOME")
    base = Path(configured) if configured else Path.home() / ".config"
    return base / "wva" / "models.toml"


def accelerator(name: str) -> Accelerator:
    """The accelerator of that name, in any case of letters.

    Raises ``UserError`` when the catalogue has none; the text lists near names.
    """
    known = accelerators()
    return known[_resolve(name, known.keys(), "accelerator")]


def model_shape(name: str, known: Mapping[str, ModelShape] | None = None) -> ModelShape:
    """The model shape of that name, or of that short name after the slash, in any case of letters.

    ``known`` are the shapes to look among; ``None`` reads the catalogue, the user's own included.

    Raises ``UserError`` when there is none, or the short name stands for several; the text lists names.
    """
    known = models() if known is None else known
    return known[_resolve(name, known.keys(), "model")]


def _resolve(name: str, known: Collection[str], kind: str) -> str:
    if name in known:
        return name
    wanted = name.casefold()
    matches = [full for full in known if wanted == full.casefold()]
    matches = matches or [full for full in known if wanted == _short(full).casefold()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UserError(f"{kind} {name!r} stands for several: {', '.join(sorted(matches))}; give the full name")
    near = _near(wanted, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    raise UserError(f"unknown {kind} {name!r}; {hint}")


def _near(wanted: str, known: Collection[str]) -> list[str]:
    spellings = {full.casefold(): full for full in known} | {_short(full).casefold(): full for full in known}
    close = [spellings[found] for found in get_close_matches(wanted, spellings, n=4, cutoff=0.5)]
    containing = [full for full in known if wanted in full.casefold()]
    return list(dict.fromkeys(containing + close))[:4]


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _packaged(file: str) -> str:
    return (files("wva.fleet") / "catalogues" / file).read_text(encoding="utf-8")


def _entries(text: str, table: str, origin: str) -> list[dict[str, Any]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{origin}: not TOML: {error}") from error
    entries = document.get(table, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f"{origin}: {table!r} must be an array of tables, each starting with [[{table}]]")
    for entry in entries:
        if not isinstance(entry.get("name"), str):
            raise UserError(f"{origin}: a [[{table}]] entry has no name")
    return entries


def _shape(entry: Mapping[str, Any], origin: str) -> ModelShape:
    values: dict[str, Any] = {**_DENSE, **entry}
    where = f"{origin}: model {entry['name']!r}"
    expected = {field.name: field for field in fields(ModelShape)}
    unknown = sorted(values.keys() - expected.keys())
    if unknown:
        raise UserError(f"{where}: unknown key {unknown[0]!r}")
    for key, field in expected.items():
        if key not in values:
            if field.default is MISSING:
                raise UserError(f"{where}: key {key!r} is missing")
        elif type(values[key]) is not field.type:
            raise UserError(f"{where}: {key!r} must be {getattr(field.type, '__name__', field.type)}")
        elif type(values[key]) is int and values[key] < (0 if key in _DENSE else 1):
            raise UserError(f"{where}: {key!r} must be at least {0 if key in _DENSE else 1}")
    return ModelShape(**values)

"""Adding a model to the user's own catalogue."""

import json
import os
import tempfile
from dataclasses import fields
from pathlib import Path

from wva.fleet.catalogue import models, user_models_path
from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape


def add_model(shape: ModelShape) -> Path:
    """Append a shape to the user's catalogue, all or nothing, and return the file.

    Raises ``UserError`` when a model of that name is known already, the file cannot be used as a catalogue, or it
    cannot be written.
    """
    known = {name.casefold(): name for name in models()}
    if shape.name.casefold() in known:
        raise UserError(f"model {known[shape.name.casefold()]!r} is in the catalogue already; choose another name")
    path = user_models_path()
    try:
        existing = path.read_text(encoding="utf-8") if path.exists() else ""
        separator = "\n" if existing else ""
        _replace(path, existing.rstrip("\n") + ("\n" if existing else "") + separator + _toml(shape))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error}") from error
    return path


def _toml(shape: ModelShape) -> str:
    """A ``[[model]]`` table; JSON's strings, integers and booleans are TOML's."""
    lines = [f"{field.name} = {json.dumps(getattr(shape, field.name), ensure_ascii=False)}" for field in fields(shape)]
    return "\n".join(["[[model]]", *lines, ""])


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

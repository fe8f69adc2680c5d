"""Outcomes on disk, by the digest of what they depend on."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wva.fleet.errors import UserError


class Store:
    """A directory with one small file an outcome."""

    def __init__(self, directory: Path) -> None:
        """Raises ``UserError`` where the directory cannot be made."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--out: {directory} cannot be made ({error.strerror}); choose another") from None
        self._directory = directory

    def get(self, key: str) -> dict[str, Any] | None:
        """The outcome kept under a digest, if there is one."""
        try:
            kept: dict[str, Any] = json.loads(self._file(key).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return kept["outcome"]  # type: ignore[no-any-return]

    def put(self, key: str, content: Mapping[str, Any], outcome: Mapping[str, Any]) -> None:
        """Keep an outcome with what it depends on; whoever reads sees all of it or nothing."""
        path = self._file(key)
        path.parent.mkdir(exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        text = json.dumps({"content": content, "outcome": outcome}, allow_nan=False)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)

    def _file(self, key: str) -> Path:
        return self._directory / key[:2] / f"{key}.json"

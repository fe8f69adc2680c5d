"""Which source files a result depends on: a change of any other leaves it valid."""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
"""The directory that holds the package."""
_PACKAGE = "wva"


@cache
def digest_of_modules(*names: str) -> str:
    """SHA-256 in hexadecimal over the source of these modules of the package and all that they import of it.

    Imports are found in the text, those inside functions too; what is imported by a computed name is not found.
    """
    total = sha256()
    for path in sorted(_closure(names)):
        content = path.read_bytes()
        total.update(f"{path.relative_to(_ROOT).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _closure(names: tuple[str, ...]) -> set[Path]:
    found: set[Path] = set()
    left = [path for name in names for path in _files(name)]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _imported(path)
    return found


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    return tuple(file for name in _names(ast.parse(path.read_text(encoding="utf-8"))) for file in _files(name))


def _names(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports; some name an object of a module rather than a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _files(name: str) -> Iterator[Path]:
    """The file of a module of the package, and those of the packages that it lies in."""
    parts = name.split(".")
    if parts[0] != _PACKAGE:
        return
    for length in range(1, len(parts) + 1):
        place = _ROOT.joinpath(*parts[:length])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())

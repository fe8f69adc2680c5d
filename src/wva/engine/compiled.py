"""Compilation of the inner loops, cached on disk.

A cached function is stale when a function that it calls in another file changes, which the cache does not notice by
itself. The cache directory therefore carries a digest of every source file that may hold compiled code.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = Path(__file__).resolve().parent.parent


def _sources_digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for room in ("engine", "simulate"):
        for source in sorted((_PACKAGE / room).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _cache_directory() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(home) / "wva" / f"compiled-{_sources_digest()}")


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = _cache_directory()


def compiled(function: F) -> F:
    """Compile to machine code at first call and keep the result for later processes."""
    return cast(F, numba.njit(cache=True, error_model="numpy", _nrt=False)(function))

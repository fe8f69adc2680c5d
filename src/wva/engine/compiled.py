"""Compilation of the inner loops, cached on disk.

Python calls a few entry points; what those call becomes part of them. The arrays that functions of the hot path hand on
to each other are some hundred machine words: inlining all of it saves pushing them at every call, and makes the event
loop 2.5 times as fast.

A cached function is stale when a function that it calls in another file changes, which the cache does not notice by
itself. The cache directory therefore carries a digest of every source file that may hold compiled code. Where it cannot
be written, nothing is cached.
"""

import hashlib
import logging
import multiprocessing
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
_log = logging.getLogger("wva")

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
_WITHOUT_WRAPPERS: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""What makes a function callable from Python takes longer to compile than most functions themselves."""

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
    numba.config.CACHE_DIR = _cache_directory()  # type: ignore[attr-defined]
# The places that numba would go on to, beside the sources and in the user's own cache, carry no digest.
numba.config.CACHE_LOCATOR_CLASSES = "UserProvidedCacheLocator"  # type: ignore[attr-defined]


def entry_point(function: F) -> F:
    """Compile a function that Python calls, at its first call, and keep the result for later processes if possible.

    Compiled functions allocate nothing: without reference counts on the arrays that they pass to each other the inner
    loops run about nine times as fast.
    """
    try:
        return cast(F, numba.njit(cache=True, **_OPTIONS)(function))
    except RuntimeError:
        # It has no place that can be written.
        _say_nothing_is_kept()
        return cast(F, numba.njit(**_OPTIONS)(function))


def inlined(function: F) -> F:
    """Compile a function of the hot path into every function that calls it; Python cannot call it."""
    return cast(F, numba.njit(forceinline=True, **_WITHOUT_WRAPPERS, **_OPTIONS)(function))


def cold(function: F) -> F:
    """Compile a rarely called function apart, so that it does not swell the hot path; Python cannot call it."""
    return cast(F, numba.njit(**_WITHOUT_WRAPPERS, **_OPTIONS)(function))


@cache
def _say_nothing_is_kept() -> None:
    """Once, and not again in the processes that this one starts."""
    if multiprocessing.parent_process() is None:
        _log.warning(
            "compiled code cannot be kept in %s, so every process compiles for half a minute; "
            "set NUMBA_CACHE_DIR to a directory that can be written",
            numba.config.CACHE_DIR,  # type: ignore[attr-defined]
        )

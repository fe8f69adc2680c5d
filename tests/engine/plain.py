"""Compiled functions as the Python that they were."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def plain(function: F) -> F:
    """What was compiled: functions that become part of others cannot be called by Python."""
    return cast(F, cast(Any, function).py_func)

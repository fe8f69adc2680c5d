"""Frozen dataclasses that are made by the hundred thousand, in half the time.

The initializer that ``dataclasses`` writes for a frozen class finds the place of every field anew, by its name. With
slots the places are known once the class is there.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from inspect import signature
from typing import Any, TypeVar

T = TypeVar("T")

_UNSAID = object()
"""Stands for a default that is made anew for each object."""


def quick(cls: type[T]) -> type[T]:
    """Give a frozen dataclass with slots an initializer that does the same in less time; put it before ``@dataclass``.

    Raises ``TypeError`` for a class whose initializer takes other arguments than one by position for each field.
    """
    own = fields(cls)  # type: ignore[arg-type]
    names = [field.name for field in own]
    taken = signature(cls).parameters.values()
    if [each.name for each in taken] != names or any(each.kind is not each.POSITIONAL_OR_KEYWORD for each in taken):
        raise TypeError(f"{cls.__name__} does not take its fields by position")
    lines = [f"set_{each.name}(self, {_value(each)})" for each in own]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    known: dict[str, Any] = {f"set_{name}": cls.__dict__[name].__set__ for name in names}
    known |= {f"make_{each.name}": each.default_factory for each in own} | {"unsaid": _UNSAID}
    made: dict[str, Callable[..., None]] = {}
    exec(f"def __init__(self, {', '.join(names)}):\n " + "\n ".join(lines), known, made)
    initializer = made["__init__"]
    initializer.__defaults__ = tuple(_default(each) for each in own if _default(each) is not MISSING)
    initializer.__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = initializer  # type: ignore[method-assign]
    return cls


def _value(field: Field[Any]) -> str:
    name = field.name
    return name if field.default_factory is MISSING else f"make_{name}() if {name} is unsaid else {name}"


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else _UNSAID

"""Values of one type as compressed JSON: how most parts of a block of decisions are stored.

A column is a JSON array with one item for each decision, compressed as a whole: neighbours are alike, so they compress
each other. JSON needs no code to read it, and pydantic writes it from frozen dataclasses faster than pickle does.
"""

import zlib
from collections.abc import Iterable
from functools import cache
from types import GenericAlias
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter

T = TypeVar("T")

# NaN and infinity are values like any other; as null they would come back as unknown.
_CONFIG = ConfigDict(ser_json_inf_nan="constants")
_COMPRESSION_LEVEL = 1


class Column(Generic[T]):
    """The codec for one type of value."""

    def __init__(self, item: Any) -> None:
        # pydantic takes no configuration for a bare dataclass, but passes on that of a tuple around it.
        self._one: TypeAdapter[tuple[T]] = _adapter(GenericAlias(tuple, (item,)))
        self._all: TypeAdapter[tuple[T, ...]] = _adapter(GenericAlias(tuple, (item, ...)))

    def encode(self, value: T) -> bytes:
        """The value as JSON; floats keep every bit.

        Raises ``ValueError`` where the value is not of the declared type, because it could not be read back.
        """
        return self._one.dump_json((value,), warnings="error")[1:-1]

    def decode(self, item: bytes) -> T:
        """The value that ``encode`` made this JSON from. Raises ``ValueError`` where the JSON does not fit the type."""
        return self._one.validate_json(b"[" + item + b"]")[0]

    def decode_plain(self, data: Any) -> T:
        """The value for plain JSON data. Raises ``ValueError`` where the data does not fit the type."""
        return self._one.validate_python((data,))[0]

    def unpack(self, blob: bytes) -> tuple[T, ...]:
        """The values of a column. Raises ``ValueError`` or ``zlib.error`` where it is damaged or of other types."""
        return self._all.validate_json(zlib.decompress(blob))


def pack(items: Iterable[bytes]) -> bytes:
    """A column of encoded values, ready to be stored."""
    return zlib.compress(b"[" + b",".join(items) + b"]", _COMPRESSION_LEVEL)


def column(item: Any) -> Column[Any]:
    """The codec for a type; made once, because making it costs milliseconds."""
    return _made(item)


@cache
def _made(item: Any) -> Column[Any]:
    return Column(item)


def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=_CONFIG)

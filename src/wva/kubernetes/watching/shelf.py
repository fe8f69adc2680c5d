"""The newest known state of every object of one kind, whatever order the news come in."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from wva.kubernetes.watching.kinds import Key

R = TypeVar("R")

_ENDED_KEPT = 4096
"""Deleted objects that are remembered for late news of them."""


class Shelf(Generic[R]):
    """Records by key. Of two states of an object that with the higher version counts; versions start at 1."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[int, R | None]] = {}
        """Version and record; ``None`` is an object that cannot be read."""
        self._ended: dict[Key, int] = {}
        """Versions at which objects ended, the oldest first."""

    def get(self, key: Key) -> R | None:
        """The record of an object."""
        return self._kept.get(key, (0, None))[1]

    def records(self) -> Iterator[R]:
        """All records."""
        return (record for _, record in self._kept.values() if record is not None)

    def items(self) -> Iterator[tuple[Key, R]]:
        """All records with their keys."""
        return ((key, record) for key, (_, record) in self._kept.items() if record is not None)

    def among(self, covers: Callable[[Key], bool]) -> list[Key]:
        """Of these, the keys of everything that is there, readable or not."""
        return [key for key in self._kept if covers(key)]

    def is_news(self, key: Key, version: int) -> bool:
        """Whether a state of an object is newer than what is known of it."""
        return version > self._kept.get(key, (0, None))[0] and version > self._ended.get(key, 0)

    def put(self, key: Key, version: int, record: R | None) -> None:
        """Take in a state that is news."""
        self._ended.pop(key, None)
        self._kept[key] = (version, record)

    def end(self, key: Key, version: int) -> None:
        """Take in, as news, that an object is gone."""
        self._kept.pop(key, None)
        self._ended.pop(key, None)
        self._ended[key] = version
        if len(self._ended) > _ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    def distrust(self, keys: Iterable[Key]) -> None:
        """Let anything be news of these objects, as after the API server's data were restored from a backup."""
        self._ended.clear()
        for key in keys:
            self._kept[key] = (0, self._kept[key][1])

    def version(self, key: Key) -> int:
        """Version of what is known of an object; 0 where nothing is."""
        return self._kept.get(key, (0, None))[0]

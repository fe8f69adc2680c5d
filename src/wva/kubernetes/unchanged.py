"""What was worked out of records before, for as long as they are the same ones.

Records are never changed: an object that changes becomes another record. Of thousands of variants, few do between one
look and the next.
"""

from collections.abc import Callable, Hashable
from operator import is_
from typing import TypeVar

T = TypeVar("T")


class Unchanged:
    """Remembers the results of the last look and of this one."""

    def __init__(self) -> None:
        self._before: dict[Hashable, tuple[tuple[object, ...], object]] = {}
        self._now: dict[Hashable, tuple[tuple[object, ...], object]] = {}

    def look(self) -> None:
        """Begin another look: what the last one did not ask for is forgotten."""
        self._before, self._now = self._now, {}

    def once(self, key: Hashable, make: Callable[..., T], *of: object) -> T:
        """``make(*of)``, or what that was the last time, if all of them are the same objects as then.

        ``key`` tells who asks; it always means the same ``make``, which must depend on nothing else.
        """
        known = self._before.get(key)
        if known is None or len(known[0]) != len(of) or not all(map(is_, known[0], of)):
            known = of, make(*of)
        self._now[key] = known
        result: T = known[1]  # type: ignore[assignment]
        return result

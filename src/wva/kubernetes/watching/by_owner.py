"""Objects by their controller, kept as they change: thousands of pods cost a decision nothing."""

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from wva.kubernetes.objects.meta import Owner
from wva.kubernetes.watching.kinds import Key

R = TypeVar("R")


class ByOwner(Generic[R]):
    """An index of records by the uid of their controller."""

    def __init__(self, owner: Callable[[R], Owner | None]) -> None:
        self._owner = owner
        self._owned = defaultdict[str, dict[Key, R]](dict)

    def of(self, uid: str) -> Collection[R]:
        """What an object controls."""
        return self._owned[uid].values() if uid in self._owned else ()

    def changed(self, key: Key, old: R | None, new: R | None) -> None:
        """Take in that an object is another now, new, or gone."""
        before = None if old is None else self._owner(old)
        after = None if new is None else self._owner(new)
        if before is not None and (after is None or after.uid != before.uid):
            own = self._owned[before.uid]
            del own[key]
            if not own:
                del self._owned[before.uid]
        if new is not None and after is not None:
            self._owned[after.uid][key] = new

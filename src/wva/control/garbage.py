"""Python's collector of reference cycles, kept from looking again and again at what stays.

The records of a fleet hold no cycles, so they go when nobody refers to them any more. The collector does not know that:
made by the hundred thousand in every turn, they have it look at all of them, which stops all threads for longer than
others may wait. So it looks at little at a time, and never at what a turn has left.
"""

import gc

YOUNG = 20_000
"""Objects that are made before the collector looks at them: at so many it looks for some 15 ms."""
COUNTED = 240
"""Turns from one count of what is spared to the next: an hour of the usual interval."""
MOST_GROWTH = 1.25
"""Growth of what is spared from which it is looked at after all: Python's own measure for a look at everything."""


class Sparing:
    """Spares the collector what turns leave, until that has grown too much to be all in use."""

    def __init__(self) -> None:
        """Have the collector look at little at a time from now on."""
        gc.set_threshold(YOUNG, 100, 100)
        self._turns = 0
        self._most: float | None = None
        """How much may be spared; ``None`` before the first turn."""

    def turned(self) -> None:
        """Leave out of later looks what is there now. Call it after every turn."""
        gc.collect(0)
        gc.freeze()
        if self._turns % COUNTED == 0:
            self._count()
        self._turns += 1

    def _count(self) -> None:
        spared = gc.get_freeze_count()
        if self._most is not None and spared > self._most:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            spared, self._most = gc.get_freeze_count(), None
        if self._most is None:
            self._most = MOST_GROWTH * spared

"""What stays is left out of the collector's looks, and what goes is still collected."""

import gc
import weakref

from wva.control.garbage import YOUNG, spare_what_stays


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.own = self


def test_cycles_made_later_are_collected() -> None:
    before = gc.get_threshold()
    try:
        spare_what_stays()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == YOUNG
        gone = weakref.ref(Knot())
        assert gone() is not None
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)

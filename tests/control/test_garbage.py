"""What stays is left out of the collector's looks, and what goes is still collected."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from wva.control import garbage
from wva.control.garbage import YOUNG, Sparing


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_cycles_made_later_are_collected() -> None:
    sparing = Sparing()
    sparing.turned()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == YOUNG
    gone = weakref.ref(Knot())
    assert gone() is not None
    sparing.turned()
    assert gone() is None


def test_what_a_turn_left_is_looked_at_once_it_has_grown_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "COUNTED", 2)
    sparing = Sparing()
    sparing.turned()
    base = gc.get_freeze_count()
    knots = [Knot() for _ in range(100)]
    gone = weakref.ref(knots[0])
    sparing.turned()
    knots.clear()
    sparing.turned()
    # They are few beside what there is.
    assert gone() is not None
    kept: list[list[int]] = [[] for _ in range(base // 2)]
    sparing.turned()
    assert gone() is not None
    sparing.turned()
    assert gone() is None
    assert len(kept) < gc.get_freeze_count()

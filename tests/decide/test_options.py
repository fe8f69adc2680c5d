"""What may be chosen of a model's variants."""

from tests.decide.worlds import ready, replica, seen, variant
from wva.decide.options import keeping_ready, option_of
from wva.fleet.replica import Phase

OLD, NEW = variant("old"), variant("new")


def test_what_is_ready_stays_while_its_successor_starts() -> None:
    starting = seen(NEW, replica("new-0"), replica("new-1", Phase.STARTING), replica("new-2", Phase.STARTING))
    fleet = (ready(OLD, 3), starting)
    old, new = keeping_ready([option_of(each, 1.0) for each in fleet], fleet)
    assert (old.least, new.least) == (3, 1)


def test_once_all_are_ready_any_may_go() -> None:
    fleet = (ready(OLD, 3), ready(NEW, 2))
    old, new = keeping_ready([option_of(each, 1.0) for each in fleet], fleet)
    assert (old.least, new.least) == (0, 0)


def test_what_runs_beyond_the_maximum_may_go_all_the_same() -> None:
    fleet = (ready(variant("old", max_replicas=2), 3), seen(NEW, replica("new-0", Phase.STARTING)))
    old, _ = keeping_ready([option_of(each, 1.0) for each in fleet], fleet)
    assert old.least == 2

"""KEDA between 0 and 1, over time."""

from dataclasses import dataclass, field

from tests.policies.fleets import seen
from wva.policies.keda.executor import Executor, ScaledObject


@dataclass
class Object:
    """A ScaledObject whose count is carried out at once; 7 stands for what the HPA wants."""

    desired: int
    lowest: int = 0
    highest: int = 10
    known: ScaledObject = field(default_factory=lambda: ScaledObject(created_at=0.0))
    initial_cooldown_s: float = 0.0

    def at(self, now: float, active: bool = False, error: bool = False) -> int | None:
        """What KEDA decides, ``None`` when it leaves the count to the HPA."""
        executor = Executor(15.0, 300.0, self.initial_cooldown_s)
        variant = seen(self.desired, [], self.lowest, self.highest)
        self.known, _ = executor.poll(variant, self.known.not_after(now), active, error, now)
        if self.known.decided is not None:
            self.desired = self.known.decided
        return self.known.decided


def test_activation_brings_one_or_the_minimum() -> None:
    assert Object(desired=0).at(0, active=True) == 1
    assert Object(desired=0, lowest=3).at(0, active=True) == 3
    assert Object(desired=0, highest=0).at(0, active=True) is None


def test_what_is_active_is_left_to_the_hpa() -> None:
    assert [Object(desired=4).at(now, active=True) for now in (0, 15, 30)] == [None, None, None]


def test_it_goes_to_zero_a_cooldown_after_the_last_activity() -> None:
    scaled = Object(desired=4)
    assert scaled.at(0, active=True) is None
    assert [scaled.at(now) for now in (15, 285)] == [None, None]
    assert scaled.at(300) == 0
    assert scaled.at(315) is None
    assert scaled.at(330, active=True) == 1


def test_what_was_never_active_goes_at_once() -> None:
    assert Object(desired=4).at(0) == 0
    cautious = Object(desired=4, initial_cooldown_s=60.0)
    assert [cautious.at(now) for now in (0, 15, 45, 60)] == [None, None, None, 0]


def test_a_minimum_is_kept() -> None:
    assert [Object(desired=4, lowest=1).at(now) for now in (0, 1000)] == [None, None]
    assert Object(desired=0, lowest=2).at(0) == 2
    assert Object(desired=1, lowest=2).at(0) == 2


def test_an_error_changes_nothing() -> None:
    assert Object(desired=4).at(0, error=True) is None
    assert Object(desired=0, lowest=2).at(0, error=True) is None
    # An active trigger still brings it from 0, but beside an error it does not count as activity.
    assert Object(desired=0).at(0, active=True, error=True) == 1
    scaled = Object(desired=4)
    scaled.at(0, active=True)
    scaled.at(150, active=True, error=True)
    assert scaled.at(300) == 0


def test_between_polls_it_repeats_itself_until_the_body_has_it() -> None:
    scaled = Object(desired=0)
    assert scaled.at(0, active=True) == 1
    scaled.desired = 0  # not carried out yet
    assert scaled.at(5) == 1
    scaled.desired = 1
    assert scaled.at(6) is None
    # At the next poll nothing is active any more, but it was not long ago.
    assert scaled.at(15) is None


def test_a_clock_that_was_set_back_does_not_stop_it() -> None:
    scaled = Object(desired=2)
    scaled.at(1000, active=True)
    assert scaled.at(10) is None
    # The last activity was as if at 10.
    assert [scaled.at(now) for now in (25, 295, 310)] == [None, None, 0]

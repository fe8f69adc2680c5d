"""What brings an early turn: requests that wait at zero, and pods that cross a threshold."""

from dataclasses import dataclass, field

from wva.fleet.readings import LoadReading
from wva.kubernetes.measuring.alarm import AGAIN_S as ALARM_AGAIN_S
from wva.kubernetes.measuring.alarm import PAUSE_S, Alarm
from wva.kubernetes.wake import AGAIN_S, Waker


@dataclass
class Hand:
    """A clock that is set by hand."""

    now: float = 0.0
    woken: list[str] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def utc(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_queue_wakes_a_model_at_zero_once_and_again_after_a_while() -> None:
    clock, at_zero = Hand(), {"m"}
    waker = Waker(clock, lambda: at_zero, clock.woken.append)
    waker("m", 0.0)
    waker("m", float("nan"))
    waker("other", 3.0)
    assert clock.woken == []
    waker("m", 1.0)
    clock.now = AGAIN_S - 0.1
    waker("m", 2.0)
    assert clock.woken == ["m"]
    clock.now = AGAIN_S
    waker("m", 2.0)
    assert clock.woken == ["m", "m"]


def test_a_model_that_came_and_went_wakes_at_once_again() -> None:
    clock, at_zero = Hand(), {"m"}
    waker = Waker(clock, lambda: at_zero, clock.woken.append)
    waker("m", 1.0)
    at_zero.clear()
    waker("m", 1.0)
    at_zero.add("m")
    clock.now = 1.0
    waker("m", 1.0)
    assert clock.woken == ["m", "m"]


def reading(waiting: float | None = 0.0, kv: float | None = 0.1) -> LoadReading:
    return LoadReading(0.0, 1.0, waiting, kv)


def test_crossing_upwards_alarms_and_staying_there_does_once_more() -> None:
    clock, alarms = Hand(), list[str]()
    alarm = Alarm(clock, lambda cause, _: alarms.append(cause))
    for each in (reading(), reading(waiting=1.0), reading(waiting=5.0)):
        alarm("a", each)
        clock.now += PAUSE_S
    assert alarms == ["requests wait at a"]
    for _ in range(10):
        alarm("a", reading(waiting=6.0))
        clock.now += ALARM_AGAIN_S
    assert alarms == ["requests wait at a"] * 2
    alarm("a", reading())
    alarm("a", reading(kv=0.85))
    assert alarms == ["requests wait at a"] * 2 + ["the KV cache of a is 85% full"]


def test_what_comes_too_early_is_kept_for_later() -> None:
    clock, alarms = Hand(), list[tuple[str, frozenset[str]]]()
    alarm = Alarm(clock, lambda *about: alarms.append(about))
    alarm("a", reading(waiting=1.0))
    alarm("b", reading(waiting=1.0))
    alarm("c", reading(waiting=1.0))
    assert alarms == [("requests wait at a", frozenset("a"))]
    clock.now = PAUSE_S
    alarm("d", reading())
    assert alarms == [("requests wait at a", frozenset("a")), ("requests wait at b", frozenset("bc"))]


def test_what_is_unknown_alarms_nobody() -> None:
    clock, alarms = Hand(), list[str]()
    alarm = Alarm(clock, lambda cause, _: alarms.append(cause))
    alarm("a", reading(waiting=None, kv=None))
    assert alarms == []

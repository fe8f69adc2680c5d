"""One leader at a time, whatever clocks, pauses and losses there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubernetes.bodies import NOW_S
from wva.kubernetes.election import (
    LOOK_S,
    Candidate,
    ElectionSettings,
    Lease,
    Over,
    Read,
    Wait,
    Write,
    accepted,
    failed,
    micro_time,
    parse_lease,
    saw,
    step,
    stop,
)


@dataclass
class Server:
    """An API server with one Lease."""

    body: dict[str, Any] | None = None
    version: int = 0

    def read(self) -> Lease | None:
        return None if self.body is None else parse_lease(self.body)

    def write(self, spec: Mapping[str, Any], expected: str | None) -> Lease | None:
        """The object after the write, or ``None`` where it is refused."""
        found = None if self.body is None else self.body["metadata"]["resourceVersion"]
        if found != expected:
            return None
        self.version += 1
        self.body = {"metadata": {"resourceVersion": str(self.version)}, "spec": dict(spec)}
        return parse_lease(self.body)


def turn(candidate: Candidate, server: Server, now: float, utc: float = NOW_S) -> Candidate:
    """One step with an answer at once."""
    todo = step(candidate, now, utc)
    if isinstance(todo, Read):
        return saw(candidate, server.read(), now)
    if isinstance(todo, Write):
        lease = server.write(todo.spec, todo.expected)
        return failed(candidate) if lease is None else accepted(candidate, todo, lease, now)
    return candidate


def leader(server: Server, name: str = "a") -> Candidate:
    """A candidate that leads from 15 on: it finds no object, and makes one at 0."""
    found = turn(turn(turn(Candidate(name), server, 0.0), server, 0.0), server, 15.0)
    assert found.leads(15.0)
    return found


def test_the_first_makes_an_object_without_a_holder_and_waits_for_a_lease() -> None:
    server = Server()
    new = turn(Candidate("a"), server, 0.0)
    bare = {"holderIdentity": "", "leaseDurationSeconds": 15, "leaseTransitions": 0}
    assert step(new, 0.0, NOW_S) == Write(bare, None, 0.0, claims=False)
    new = turn(new, server, 0.0)
    assert not new.leads(0.0)
    assert step(new, 0.0, NOW_S) == Wait(LOOK_S)
    assert step(new, 2.0, NOW_S) == Read()
    assert step(new, 15.0, NOW_S) == Write(
        {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-02-19T10:00:00.000000Z",
            "renewTime": "2026-02-19T10:00:00.000000Z",
            "leaseTransitions": 1,
        },
        "1",
        15.0,
        claims=True,
    )


def test_a_leader_renews_and_leads_for_ten_seconds_from_before_it_sent_its_write() -> None:
    server = Server()
    one = leader(server)
    assert [one.leads(now) for now in (15.0, 24.9, 25.0)] == [True, True, False]
    assert step(one, 16.0, NOW_S) == Wait(17.0)
    renewal = step(one, 17.0, NOW_S + 2)
    assert isinstance(renewal, Write)
    assert renewal.spec["acquireTime"] == micro_time(NOW_S)
    assert renewal.spec["renewTime"] == micro_time(NOW_S + 2)
    lease = server.write(renewal.spec, renewal.expected)
    assert lease is not None
    slow = accepted(one, renewal, lease, 26.5)
    assert slow.acts_until == 27.0, "the answer took long; the write was sent at 17"
    assert not accepted(one, renewal, lease, 30.0).leads(30.0)


def test_another_takes_over_a_lease_after_the_last_change_that_it_saw() -> None:
    server = Server()
    leader(server)
    other = turn(Candidate("b"), server, 100.0)
    assert not isinstance(step(other, 114.9, NOW_S), Write)
    other = turn(other, server, 115.0)
    assert other.leads(115.0)
    assert other.lease is not None
    assert (other.lease.holder, other.lease.transitions) == ("b", 2)


def test_what_was_let_go_is_taken_at_once_and_who_let_go_acts_no_more() -> None:
    server = Server()
    one = leader(server)
    other = turn(Candidate("b"), server, 0.0)
    leaving = stop(one)
    assert not leaving.leads(15.0)
    leaving = turn(leaving, server, 15.0)
    assert step(leaving, 15.0, NOW_S) == Over()
    other = turn(turn(other, server, 2.0), server, 2.0)
    assert other.leads(2.0)
    assert step(stop(Candidate("c")), 0.0, NOW_S) == Over()


def test_a_leader_that_wakes_after_its_successor_acted_does_nothing() -> None:
    server = Server()
    paused = leader(server)
    other = turn(turn(Candidate("b"), server, 15.0), server, 30.0)
    assert other.leads(30.0)
    assert not paused.leads(31.0)
    paused = turn(paused, server, 31.0)
    assert server.read() == other.lease, "its write named an old version"
    paused = turn(paused, server, 31.0)
    assert paused.lease == other.lease
    assert not isinstance(step(paused, 31.0, NOW_S), Write)


def test_an_answer_that_is_lost_costs_nothing_but_time() -> None:
    server = Server()
    one = leader(server)
    renewal = step(one, 17.0, NOW_S)
    assert isinstance(renewal, Write)
    server.write(renewal.spec, renewal.expected)
    unsure = failed(one)
    assert unsure.leads(24.9)
    unsure = turn(unsure, server, 18.0)
    assert unsure.acts_until == 25.0, "to have seen its own name is no reason to lead longer"
    assert turn(unsure, server, 20.0).acts_until == 30.0


def test_an_object_deleted_under_its_leader_is_not_taken_at_once() -> None:
    server = Server()
    one = leader(server)
    server.body = None
    other = turn(turn(Candidate("b"), server, 15.0), server, 15.0)
    assert not isinstance(step(other, 29.9, NOW_S), Write)
    assert one.leads(24.9), "it cannot know yet"
    one = turn(turn(one, server, 17.0), server, 17.0)
    assert not one.leads(17.0), "it saw that its object is gone"


@pytest.mark.parametrize(("lease_s", "renew_s", "retry_s"), [(10, 10, 2), (15, 2, 2), (15, 10, 0), (15.5, 10, 2)])
def test_durations_must_leave_room(lease_s: float, renew_s: float, retry_s: float) -> None:
    with pytest.raises(ValueError, match="must"):
        ElectionSettings(lease_s, renew_s, retry_s)


@dataclass
class Process:
    """A candidate with clocks of its own, and with messages on their way."""

    candidate: Candidate
    ahead_s: float
    pace: float
    utc_off_s: float
    paused_until: float = 0.0
    answers_at: float = 0.0
    """When the request under way is given up."""
    asks: list[tuple[float, Read | Write]] = field(default_factory=list)
    """Requests by when they reach the server."""
    answers: list[tuple[float, Read | Write, Lease | None]] = field(default_factory=list)

    def clock(self, real: float) -> float:
        return self.ahead_s + self.pace * real

    def leads(self, real: float) -> bool:
        return self.candidate.leads(self.clock(real))

    def run(self, real: float, random: Random) -> None:
        """What it does of its own, unless it is paused: take an answer in, give up on one, or take a step."""
        if real < self.paused_until:
            return
        due = [answer for answer in self.answers if answer[0] <= real]
        now = self.clock(real)
        for answer in due:
            self.answers.remove(answer)
            self.answers_at = 0.0
            _, ask, lease = answer
            if isinstance(ask, Read):
                self.candidate = saw(self.candidate, lease, now)
            elif lease is None:
                self.candidate = failed(self.candidate)
            else:
                self.candidate = accepted(self.candidate, ask, lease, now)
        if real < self.answers_at:
            return
        if self.answers_at:
            self.candidate, self.answers_at = failed(self.candidate), 0.0
        todo = step(self.candidate, now, NOW_S + real + self.utc_off_s)
        if isinstance(todo, Read | Write):
            self.answers_at = real + random.choice([1.0, 3.0])
            self.asks.append((real + delay(random), todo))


def delay(random: Random) -> float:
    """Seconds on the way: mostly few, sometimes more than anyone waits for."""
    return random.choice([0.0, 0.0, 0.1, 0.1, 0.5, random.uniform(0, 20)])


def serve(server: Server, process: Process, real: float, random: Random) -> None:
    """The server's side: requests arrive when they do, and some answers are lost."""
    for ask in [ask for ask in process.asks if ask[0] <= real]:
        process.asks.remove(ask)
        lease = server.read() if isinstance(ask[1], Read) else server.write(ask[1].spec, ask[1].expected)
        if random.random() < 0.85:
            process.answers.append((real + delay(random), ask[1], lease))


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    clocks=st.tuples(*2 * [st.tuples(st.floats(-1e6, 1e6), st.sampled_from([0.9, 1.0, 1.1]), st.floats(-1e5, 1e5))]),
    stops=st.booleans(),
    deletes=st.booleans(),
)
def test_never_two_that_may_act(seed: int, clocks: Any, stops: bool, deletes: bool) -> None:
    random, server, names = Random(seed), Server(), 0
    processes = [Process(Candidate(name), *clock) for name, clock in zip("ab", clocks, strict=True)]
    for tick in range(800):
        real = tick * 0.25
        for process in processes:
            if random.random() < 0.01:
                process.paused_until = real + random.uniform(1, 40)
            if stops and random.random() < 0.005:
                process.candidate = stop(process.candidate)
            if process.candidate.stopping and random.random() < 0.05:
                names += 1
                process.candidate, process.answers = Candidate(f"{names}"), []
            process.run(real, random)
            serve(server, process, real, random)
            assert sum(each.leads(real) for each in processes) <= 1
        if deletes and random.random() < 0.01:
            server.body = None


def test_a_fleet_of_two_is_led_most_of_the_time() -> None:
    server = Server()
    one, two = Candidate("a"), Candidate("b")
    led = 0
    for second in range(200):
        one, two = turn(one, server, float(second)), turn(two, server, float(second))
        led += one.leads(second) or two.leads(second)
    assert led == 184, "all but the second that the object took to make, and the first lease"

"""Whatever is planned, lost, seen late and begun anew: only pods that may go are stopped, and all comes to rest."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubernetes.acting.made import NAME, NOW, managed, plan
from tests.kubernetes.acting.memory import MemoryCluster, drains, is_ready
from wva.decide.view import not_draining
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import VariantPlan, Victim
from wva.fleet.replica import Phase
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.carry_out import ActingSettings, Carrier, Known
from wva.kubernetes.acting.drain import Draining, DrainKind, read, written
from wva.kubernetes.acting.load import SETTLE_S, Load
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE

LIMIT_S = 120.0
LEAST = 1


def flat(episodes: Any) -> list[tuple[Any, ...]]:
    """What happens in all of them, in order."""
    found: list[tuple[Any, ...]] = []
    for each in episodes:
        found += [each] if isinstance(each[0], str) else flat(each)
    return found


class Run:
    """A cluster and the controller that acts on it."""

    def __init__(self, gated: bool, version: tuple[int, int]) -> None:
        self.version, self.gated = version, gated
        self.now = NOW
        self.cluster = MemoryCluster(4, gated=gated, version=version, now=NOW - 1000)
        self.target = 4
        """The lowest count that a plan has asked for since one was last seen to be carried out."""
        self.cluster.requests.update(list(self.cluster.truth))
        self.begin()

    def utc(self) -> float:
        return self.now

    monotonic = utc

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing waits here, not {seconds} s either")

    def begin(self) -> None:
        """A new process, which first lists everything."""
        settings = ActingSettings(DrainSettings(self.version, LIMIT_S))
        self.carrier = Carrier(Writer(self.cluster, lambda: True), self, settings, lambda *_: None)
        self.cluster.see()

    def managed(self) -> Managed:
        cluster = self.cluster
        marks = self.carrier.marks.of(cluster.pods)
        return managed(cluster.workload, cluster.pods, least=LEAST, version=self.version, marks=marks)

    def loads(self) -> dict[str, Load]:
        return {f"team/{name}": Load(self.now, float(self.cluster.requests[name]), 0.0) for name in self.cluster.truth}

    async def plan(self, target: int, named: Sequence[int] = (), wanted_back: Sequence[int] = ()) -> Outcome:
        """Have a plan carried out that names victims, and pods to take back, by their places among those that may."""
        found = self.managed()
        out = [replica.id for replica in found.observation.replicas if replica.phase is Phase.DRAINING]
        staying = [replica.id for replica in found.observation.replicas if replica.phase is not Phase.DRAINING]
        victims = tuple(Victim(name, None) for name in _places(staying, named))
        restore = tuple(_places(out, wanted_back))
        expected = not_draining(found.observation)
        wanted = VariantPlan(NAME, expected, target, target, victims=victims, restore=restore)
        known = Known(self.loads())
        outcome = (await self.carrier.carry_out(plan(wanted, valid_until=self.now + 1), {NAME: found}, known))[0]
        self.see_what_was_lost()
        accepted = outcome.result in (Result.APPLIED, Result.PENDING)
        self.target = target if accepted else min(self.target, target)
        return outcome

    def leave_mark(self, place: int, readable: bool, finished: bool) -> None:
        """What a leader has left that died: a mark on a pod, perhaps of another version, its gate closed or not yet."""
        names = [name for name, body in sorted(self.cluster.truth.items()) if not drains(body)]
        if len(names) <= LEAST:
            return
        name = names[place % len(names)]
        labels = () if self.gated else (("route", "on"),)
        begun = Draining(self.now, self.now + LIMIT_S, DrainKind.GATE if self.gated else DrainKind.LABEL, labels)
        bears = {DRAINING: written(begun) if readable else "?"}
        closed = [{"type": SERVING_GATE, "status": "False"}] if self.gated and finished else []
        gone = dict.fromkeys(dict(labels)) if readable else {}
        self.cluster.changed(name, {"labels": gone, "annotations": bears}, *closed)
        # To what count it drained, nobody knows: what it left is what may be stopped.
        self.target = min(self.target, len(names) - 1)

    def lose(self, place: int) -> None:
        """A pod goes for no reason of WVA's."""
        names = sorted(self.cluster.truth)
        if names:
            self.cluster.lose(names[place % len(names)])

    async def tend(self) -> None:
        count, seen = self.cluster.replicas, len(self.cluster.pods)
        with suppress(ApiError):
            await self.carrier.tend(self.managed(), self.loads())
        self.see_what_was_lost()
        if self.cluster.replicas < count:
            assert seen >= count, "one that is missing would not come, and one that drains stay"

    def see_what_was_lost(self) -> None:
        """A write that was done though nobody was told shows before the next one."""
        if self.cluster.fails_after and self.cluster.fails_in is None:
            self.cluster.see()

    def pass_time(self, seconds: float) -> None:
        """Who serves gets a request, and so does who began to drain a moment ago: not all know it yet."""
        for name, body in self.cluster.truth.items():
            begun = read(body["metadata"]["annotations"].get(DRAINING))
            if is_ready(body) and (begun is None or self.now < begun.since + SETTLE_S):
                self.cluster.requests[name] += 1
        self.now += seconds
        self.cluster.now = self.now

    def settle(self) -> None:
        before = len(self.cluster.deleted)
        self.cluster.settle()
        for body in self.cluster.deleted[before:]:
            self.check_stopped(body)

    def check_stopped(self, body: dict[str, Any]) -> None:
        known = read(body["metadata"]["annotations"].get(DRAINING))
        if known is None:
            assert not is_ready(body), body
        else:
            assert self.cluster.requests[body["metadata"]["name"]] == 0 or self.now >= known.deadline, body


def _places(found: Sequence[str], places: Sequence[int]) -> list[str]:
    return list(dict.fromkeys(found[place % len(found)] for place in places)) if found else []


PLACES = st.lists(st.integers(0, 5), max_size=2)
PLAN = st.tuples(st.just("plan"), st.integers(LEAST, 6), PLACES, PLACES)
FINISH = st.tuples(st.just("finish"), st.integers(0, 5))
FAIL = st.tuples(st.just("fail"), st.integers(0, 3), st.booleans())
PASS = st.tuples(st.just("pass"), st.sampled_from([1.0, 6.0, 40.0, LIMIT_S]))
MARK = st.tuples(st.just("mark"), st.integers(0, 5), st.booleans(), st.booleans())
TEND, SEE, SETTLE = (st.tuples(st.just(name)) for name in ("tend", "see", "settle"))
KUBELETS, BEGIN = (st.tuples(st.just(name)) for name in ("kubelets", "begin"))
LOSE = st.tuples(st.just("lose"), st.integers(0, 5))
ONE = st.one_of(PLAN, FINISH, FAIL, PASS, MARK, TEND, SEE, SETTLE, KUBELETS, BEGIN, LOSE)
GROWN = st.tuples(st.tuples(st.just("plan"), st.integers(5, 6), PLACES, PLACES), SETTLE, SEE)
"""New pods, which do not serve yet."""
ONE_LESS = st.tuples(st.tuples(st.just("plan"), st.just(4), PLACES, PLACES), SEE)
SHRUNK = st.tuples(st.tuples(st.just("plan"), st.integers(LEAST, 3), PLACES, PLACES), SEE)
"""Pods that drain, or are stopped if they do not serve."""
UNSEEN = st.just(("pass unseen", 6.0))
"""Time during which a watch shows nothing."""
DONE = st.tuples(
    FINISH, FINISH, st.just(("pass", 6.0)), st.sampled_from([("see",), ("kubelets",)]), FINISH, FINISH, FINISH, TEND
)
EPISODES = st.one_of(
    st.tuples(ONE),
    GROWN,
    SHRUNK,
    DONE,
    # Who is to go becomes ready, in the middle of it, or only after.
    st.tuples(GROWN, KUBELETS, SHRUNK, KUBELETS, SETTLE).map(flat),
    st.tuples(GROWN, SHRUNK, KUBELETS, SEE, TEND, SETTLE).map(flat),
    # One that started may be stopped by now, when others begin to drain.
    st.tuples(GROWN, ONE_LESS, st.just(("pass", 6.0)), SHRUNK, KUBELETS, SETTLE).map(flat),
    # Fewer are there than are to be, while some drain; who comes in their place is seen or not, before more goes.
    st.tuples(SHRUNK, LOSE, SEE, DONE, SETTLE, SEE).map(flat),
    st.tuples(SHRUNK, LOSE, SEE, SETTLE, FINISH, st.just(("pass", 6.0)), SHRUNK, SETTLE).map(flat),
    st.tuples(SHRUNK, KUBELETS, SEE, LOSE, SETTLE, UNSEEN, FINISH, TEND, SETTLE).map(flat),
    # Wanted back, before and after it is stopped.
    st.tuples(SHRUNK, DONE, GROWN, SETTLE).map(flat),
    # A leader dies with only a part of it done, told or not, and the next one lists everything.
    st.tuples(FAIL, SHRUNK, BEGIN, TEND, SETTLE).map(flat),
    st.tuples(MARK, MARK, BEGIN, TEND, DONE, SETTLE).map(flat),
)
OPS = st.lists(EPISODES, max_size=12).map(flat)
"""What happens, one after the other."""


async def happen(run: Run, op: tuple[Any, ...]) -> None:  # noqa: PLR0912
    match op:
        case "plan", target, named, wanted_back:
            await run.plan(target, named, wanted_back)
        case "finish", place:
            names = sorted(run.cluster.truth)
            if names:
                run.cluster.requests[names[place % len(names)]] = 0
        case "fail", after, done:
            run.cluster.fails_in, run.cluster.fails_after = after, done
        case "pass", seconds:
            run.pass_time(seconds)
            run.cluster.see()
        case "pass unseen", seconds:
            run.pass_time(seconds)
        case "lose", place:
            run.lose(place)
        case "mark", place, readable, finished:
            run.leave_mark(place, readable, finished)
        case ("tend",):
            await run.tend()
        case ("see",):
            run.cluster.see()
        case ("settle",):
            run.settle()
        case ("kubelets",):
            if not run.gated:
                # Who becomes ready between a look and what follows from it may be taken for one that is not.
                run.settle()
            run.cluster.run_kubelets()
            if not run.gated:
                run.cluster.see()
        case ("begin",):
            run.begin()
    assert run.cluster.replicas >= max(LEAST, run.target)


async def come_to_rest(run: Run, target: int) -> None:
    """A plan, and time for all that follows from it."""
    run.cluster.fails_in = None
    for _ in range(12):
        run.cluster.requests.clear()
        run.cluster.see()
        await run.plan(target)
        run.now += 6.0
        run.cluster.now = run.now
        run.cluster.see()
        await run.tend()
        run.settle()
        run.cluster.run_kubelets()
    run.cluster.see()
    assert len(run.cluster.truth) == run.cluster.replicas == target
    for name, body in run.cluster.truth.items():
        assert body["metadata"]["labels"] == {"app": "d", "route": "on", "own": name}
        assert body["metadata"]["annotations"] == {"somebody/else": "yes"}
        assert is_ready(body)
    writes = run.cluster.writes
    await run.plan(target)
    await run.tend()
    assert run.cluster.writes == writes


@pytest.mark.parametrize(("gated", "version"), [(True, (1, 20)), (True, (1, 22)), (False, (1, 22))])
def test_only_pods_that_may_go_are_stopped_whatever_happens(gated: bool, version: tuple[int, int]) -> None:
    @settings(max_examples=120, deadline=None)
    @given(OPS, st.integers(LEAST, 6))
    def check(ops: list[tuple[Any, ...]], target: int) -> None:
        async def run_all() -> None:
            run = Run(gated, version)
            for op in ops:
                await happen(run, op)
            await come_to_rest(run, target)

        asyncio.run(run_all())

    check()

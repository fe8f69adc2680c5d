"""Whatever is planned, lost, seen late and begun anew: only pods that may go are stopped, and all comes to rest."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kubernetes.acting.made import NAME, NOW, managed, plan
from tests.kubernetes.acting.memory import MemoryCluster, drains, is_ready
from wva.decide.view import not_draining
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import VariantPlan
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.carry_out import ActingSettings, Carrier, Known
from wva.kubernetes.acting.drain import read
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.objects.pod import DRAINING
from wva.kubernetes.picture import Managed

LIMIT_S = 120.0
LEAST = 1


class Run:
    """A cluster and the controller that acts on it."""

    def __init__(self, gated: bool, version: tuple[int, int]) -> None:
        self.version = version
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

    async def plan(self, target: int) -> Outcome:
        found = self.managed()
        wanted = VariantPlan(NAME, not_draining(found.observation), target, target)
        known = Known(self.loads())
        outcome = (await self.carrier.carry_out(plan(wanted, valid_until=self.now + 1), {NAME: found}, known))[0]
        self.see_what_was_lost()
        accepted = outcome.result in (Result.APPLIED, Result.PENDING)
        self.target = target if accepted else min(self.target, target)
        return outcome

    async def tend(self) -> None:
        with suppress(ApiError):
            await self.carrier.tend(self.managed(), self.loads())
        self.see_what_was_lost()

    def see_what_was_lost(self) -> None:
        """A write that was done though nobody was told shows before the next one."""
        if self.cluster.fails_after and self.cluster.fails_in is None:
            self.cluster.see()

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.cluster.now = self.now
        for name in [name for name, body in self.cluster.truth.items() if is_ready(body) and not drains(body)]:
            self.cluster.requests[name] += 1

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


OPS = st.one_of(
    st.tuples(st.just("plan"), st.integers(LEAST, 6)),
    st.tuples(st.just("finish"), st.integers(0, 5)),
    st.tuples(st.just("fail"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("pass"), st.sampled_from([1.0, 6.0, 40.0])),
    *(st.tuples(st.just(name)) for name in ("tend", "tend", "see", "see", "settle", "kubelets", "begin")),
)
"""What may happen next."""


async def happen(run: Run, op: tuple[Any, ...]) -> None:
    match op:
        case "plan", target:
            await run.plan(target)
        case "finish", place:
            names = sorted(run.cluster.truth)
            if names:
                run.cluster.requests[names[place % len(names)]] = 0
        case "fail", after, done:
            run.cluster.fails_in, run.cluster.fails_after = after, done
        case "pass", seconds:
            run.pass_time(seconds)
            run.cluster.see()
        case ("tend",):
            await run.tend()
        case ("see",):
            run.cluster.see()
        case ("settle",):
            run.settle()
        case ("kubelets",):
            # Who becomes ready between a look and what follows from it may be taken for one that is not.
            run.settle()
            run.cluster.run_kubelets()
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
    @settings(max_examples=60, deadline=None)
    @given(st.lists(OPS, max_size=40), st.integers(LEAST, 6))
    def check(ops: list[tuple[Any, ...]], target: int) -> None:
        async def run_all() -> None:
            run = Run(gated, version)
            for op in ops:
                await happen(run, op)
            await come_to_rest(run, target)

        asyncio.run(run_all())

    check()

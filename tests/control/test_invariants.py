"""Whatever fails, in whatever order: what a loop never does."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.control.virtual import MemoryBody, MemoryMetrics, Stage, VirtualClock, fail, hang, work
from tests.record.builders import variant
from tests.record.threshold import Threshold
from wva.fleet.observation import Trigger
from wva.fleet.tick import Tick, TickResult
from wva.record.reader import Journal
from wva.record.replay import replay

TROUBLES = {"work": work, "fail": fail, "hang": hang}
trouble = st.sampled_from(sorted(TROUBLES))
event = st.one_of(
    st.tuples(st.just("pass"), st.integers(1, 40)),
    st.tuples(st.just("state"), trouble),
    st.tuples(st.just("apply"), trouble),
    st.tuples(st.just("read"), trouble),
    st.tuples(st.just("waiting"), st.sampled_from([None, 0.0, 1.0, 9.0])),
    st.tuples(st.just("request"), st.sampled_from([Trigger.BURST, Trigger.ARRIVAL_AT_ZERO])),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("pin"), st.one_of(st.none(), st.integers(0, 10))),
    st.tuples(st.just("restart"), st.none()),
)


class Play:
    """A loop to which things happen, and everything that is known of what it did."""

    def __init__(self, directory: Path) -> None:
        self.stage = Stage(directory=directory)
        self.stage.body.variants["fast"] = variant()
        self.ticks: list[list[Tick]] = []

    async def run(self, events: list[tuple[str, Any]]) -> None:
        """Let these things happen, restarting where that is one of them."""
        while events or not self.ticks:
            async with self.stage.running() as loop:
                while events:
                    kind, value = events.pop(0)
                    if kind == "restart":
                        break
                    await self._happen(loop, kind, value)
                await self.stage.clock.advance(1)
                self.ticks.append(list(loop.history))
                memory, orders = loop.memory, loop.orders
            assert self.stage.journal is not None
            restored = self.stage.journal.restore()
            assert (restored.memory, restored.orders) == (memory, orders)

    async def _happen(self, loop: Any, kind: str, value: Any) -> None:
        stage = self.stage
        if kind == "pass":
            await stage.clock.advance(value)
        elif kind == "state":
            stage.body.on_state = TROUBLES[value]
        elif kind == "apply":
            stage.body.on_apply = TROUBLES[value]
        elif kind == "read":
            stage.metrics.on_read = TROUBLES[value]
        elif kind == "waiting":
            stage.metrics.waiting = value
        elif kind == "request":
            loop.request(value, "asked")
        elif kind == "pause":
            await (loop.pause() if value else loop.resume())
        elif value is not None and stage.body.on_state is work:
            await loop.pin("fast", value)
        elif "fast" in loop.orders.pins:
            await loop.unpin("fast")


@settings(max_examples=20)
@given(st.lists(event, max_size=25))
def test_no_order_of_failures_breaks_a_rule(events: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        play = Play(Path(directory))
        asyncio.run(play.run(list(events)))
        given_plans = [plan.id for plan in play.stage.body.plans]
        assert len(set(given_plans)) == len(given_plans)
        ticks = [tick for run in play.ticks for tick in run]
        paused = {tick.plan.id for tick in ticks if tick.result is TickResult.PAUSED and tick.plan is not None}
        assert not paused & set(given_plans)
        for tick in ticks:
            _check(tick)
        for plan in play.stage.body.plans:
            assert all(0 <= part.target <= 10 for part in plan.variants)
        for path in sorted(Path(directory).glob("*.journal")):
            with Journal(path) as journal:
                assert replay(journal).equal
                times = journal.times()
                assert list(times) == sorted(times)


def _check(tick: Tick) -> None:
    """Unknown is never 0, a pin holds, and a turn that was not one is nothing else."""
    if tick.plan is None:
        assert tick.outcomes == ()
        assert tick.result in (TickResult.NOTHING_SEEN, TickResult.NO_DECISION)
        return
    assert tick.observation is not None
    for seen, part in zip(tick.observation.variants, tick.plan.variants, strict=True):
        blind = all(instance.metrics is None for replica in seen.replicas for instance in replica.instances)
        if blind:
            assert part.publish is None
    if tick.observation.models[0].traffic is None:
        assert "metrics" in tick.problems


@settings(max_examples=10)
@given(st.lists(st.floats(0.1, 14.0), max_size=6))
def test_early_turns_change_nothing_but_the_moment(moments: list[float]) -> None:
    async def counts(early: list[float]) -> list[int]:
        clock = VirtualClock()
        stage = Stage(clock, MemoryBody(counts={"fast": 3}), MemoryMetrics(waiting=1.0), policy=Threshold())
        found = []
        async with stage.running() as loop:
            for _ in range(4):
                begin = clock.now
                for moment in sorted(early):
                    await clock.advance(max(0.0, begin + moment - clock.now))
                    loop.request(Trigger.BURST, "asked")
                await clock.advance(begin + 15 - clock.now)
                found.append(stage.body.counts["fast"])
            assert [tick.trigger for tick in loop.history].count(Trigger.INTERVAL) >= 4
        return found

    assert asyncio.run(counts(moments)) == asyncio.run(counts([])) == [3, 3, 3, 3]

"""The loop in virtual time: when it turns, what it sees, decides and does, and what it does when others fail."""

import asyncio
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.control.virtual import START, MemoryBody, MemoryMetrics, Stage, Trouble, fail, hang, work
from tests.record.builders import variant
from tests.record.threshold import Threshold, ThresholdMemory
from wva.control.clock import SystemClock
from wva.control.journal import LiveJournal
from wva.control.loop import Loop
from wva.control.settings import LoopSettings
from wva.control.worker import ThreadWorker, Workers
from wva.fleet.observation import Observation, Trigger
from wva.fleet.outcome import Result
from wva.fleet.plan import Plan
from wva.fleet.tick import Tick, TickResult


def results(loop: Loop[Any]) -> list[TickResult]:
    return [tick.result for tick in loop.history]


async def test_it_turns_at_once_and_then_on_the_interval() -> None:
    stage = Stage()
    async with stage.running() as loop:
        await stage.clock.advance(46)
        assert [tick.time - START for tick in loop.history] == [0, 15, 30, 45]
        assert [tick.number for tick in loop.history] == [1, 2, 3, 4]
        assert {tick.trigger for tick in loop.history} == {Trigger.INTERVAL}
        assert set(results(loop)) == {TickResult.APPLIED}


async def test_an_observation_joins_what_is_there_with_what_was_measured() -> None:
    stage = Stage()
    async with stage.running() as loop:
        observation = loop.history[0].observation
    assert observation is not None
    (model,) = observation.models
    (seen,) = observation.variants
    assert model.traffic is not None
    assert model.traffic.arrivals_total == 100
    instances = [instance for replica in seen.replicas for instance in replica.instances]
    assert [instance.kv_capacity_tokens for instance in instances] == [4000, 4000]
    assert [instance.metrics.waiting for instance in instances if instance.metrics is not None] == [1, 1]


async def test_a_plan_is_carried_out_and_its_outcome_seen_in_the_next_turn() -> None:
    stage = Stage(metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        assert stage.body.counts == {"fast": 3}
        stage.metrics.waiting = 1.0
        await stage.clock.advance(15)
        first, second = loop.history
        assert second.observation is not None
        assert second.observation.outcomes == first.outcomes
        assert [outcome.result for outcome in first.outcomes] == [Result.APPLIED]


async def test_early_turns_come_within_a_second_are_coalesced_and_bounded() -> None:
    stage = Stage()
    async with stage.running() as loop:
        await stage.clock.advance(5)
        for number in range(100):
            loop.request(Trigger.BURST, f"model {number % 2}")
        loop.request(Trigger.ARRIVAL_AT_ZERO, "llama")
        await stage.clock.advance(0)
        assert len(loop.history) == 2
        early = loop.history[-1]
        assert (early.time - START, early.trigger, early.cause) == (5, Trigger.ARRIVAL_AT_ZERO, "llama")
        for _ in range(50):
            loop.request(Trigger.BURST, "more")
            await stage.clock.advance(0.1)
        # Twice a second, and none of them moves the interval.
        times = [tick.time - START for tick in loop.history][1:10]
        assert times == pytest.approx([5.0 + 0.5 * n for n in range(9)])
        await stage.clock.advance(21)
        assert [tick.time - START for tick in loop.history if tick.trigger is Trigger.INTERVAL] == [0, 15, 30]
        with pytest.raises(ValueError, match="interval"):
            loop.request(Trigger.INTERVAL, "no")


async def test_a_request_does_not_wait_for_slow_readings() -> None:
    stage = Stage(metrics=MemoryMetrics(on_read=hang))
    async with stage.running() as loop:
        assert len(loop.history) == 0
        await stage.clock.advance(3)
        loop.request(Trigger.ARRIVAL_AT_ZERO, "llama")
        await stage.clock.advance(0.9)
        (tick,) = loop.history
        assert (tick.trigger, tick.result) == (Trigger.ARRIVAL_AT_ZERO, TickResult.APPLIED)
        assert tick.observation is not None
        assert tick.observation.now - START == pytest.approx(3.25)
        assert tick.observation.models[0].traffic is None


@pytest.mark.parametrize("trouble", [fail, hang])
async def test_a_body_that_says_nothing_is_held_and_asked_again(trouble: Trouble) -> None:
    stage = Stage(body=MemoryBody(on_state=trouble))
    async with stage.running() as loop:
        await stage.clock.advance(20)
        assert results(loop)[0] is TickResult.NOTHING_SEEN
        assert (loop.history[0].observation, loop.history[0].plan) == (None, None)
        assert "body" in loop.history[0].problems
        assert "\n" not in loop.history[0].problems["body"]
        stage.body.on_state = work
        await stage.clock.advance(30)
        assert loop.history[-1].result is TickResult.APPLIED
        assert loop.history[-1].problems == {}


@pytest.mark.parametrize("trouble", [fail, hang])
async def test_without_readings_everything_measured_is_unknown(trouble: Trouble) -> None:
    stage = Stage(metrics=MemoryMetrics(on_read=trouble))
    async with stage.running() as loop:
        await stage.clock.advance(20)
        tick = loop.history[0]
        assert tick.observation is not None
        assert tick.observation.models[0].traffic is None
        assert all(i.metrics is None for v in tick.observation.variants for r in v.replicas for i in r.instances)
        assert tick.plan is not None
        assert [part.publish for part in tick.plan.variants] == [None]
        assert "metrics" in tick.problems


@pytest.mark.parametrize("trouble", [fail, hang])
async def test_a_body_that_does_not_take_a_plan_is_given_a_new_one_and_never_the_same(trouble: Trouble) -> None:
    stage = Stage(body=MemoryBody(on_apply=trouble), metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        await stage.clock.advance(71)
        assert set(results(loop)) == {TickResult.NOT_APPLIED}
        assert loop.history[0].outcomes == ()
        ids = [plan.id for plan in stage.body.plans]
        assert len(set(ids)) == len(ids) == len(loop.history) == 5
        stage.body.on_apply = work
        await stage.clock.advance(15)
        assert stage.body.counts == {"fast": 3}


@dataclass(frozen=True, slots=True)
class Broken(Threshold):
    """Raises, or answers with something else, at one observation in two."""

    how: str = "raises"

    @property
    def name(self) -> str:
        return "broken"

    def __call__(self, observation: Observation, memory: ThresholdMemory) -> tuple[Plan, ThresholdMemory]:
        plan, after = Threshold.__call__(self, observation, memory)
        if observation.id.endswith(("2", "4")):
            if self.how == "raises":
                raise ZeroDivisionError("no traffic")
            (part,) = plan.variants
            wrong = {
                "other": replace(plan, observation="another"),
                "twice": replace(plan, variants=(part, part)),
                "unknown": replace(plan, variants=(replace(part, variant="what"),)),
                "negative": replace(plan, variants=(replace(part, target=-1),)),
                "fraction": replace(plan, variants=(replace(part, target=1.5),)),  # type: ignore[arg-type]
                "expired": replace(plan, valid_until=float("nan")),
            }
            plan = wrong[self.how]
        return plan, replace(after, last_growth=observation.now)


@pytest.mark.parametrize("how", ["raises", "other", "twice", "unknown", "negative", "fraction", "expired"])
async def test_a_policy_that_fails_is_reported_with_the_observation_and_changes_nothing(how: str) -> None:
    stage = Stage(policy=Broken(how=how))
    async with stage.running() as loop:
        await stage.clock.advance(50)
        assert results(loop) == [TickResult.APPLIED, TickResult.NO_DECISION] * 2
        failed = loop.history[1]
        assert failed.observation is not None
        assert failed.observation.id in failed.problems["policy"]
        assert failed.plan is None
        assert len(stage.body.plans) == 2
        # What the failed decision had remembered is forgotten.
        assert loop.memory.last_growth == START + 30


async def test_paused_decides_and_records_and_applies_nothing() -> None:
    stage = Stage(metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        await loop.pause()
        await stage.clock.advance(31)
        assert len(stage.body.plans) == 1
        assert results(loop)[1:] == [TickResult.PAUSED] * 3
        tick = loop.history[-1]
        assert tick.paused
        assert [(one.result, one.detail) for one in tick.outcomes] == [(Result.REFUSED, "paused")]
        await loop.resume()
        await stage.clock.advance(1)
        assert loop.history[-1].trigger is Trigger.MANUAL
        assert len(stage.body.plans) == 2


async def test_a_pinned_variant_is_planned_around_and_held() -> None:
    stage = Stage(body=MemoryBody(counts={"fast": 2, "slow": 2}), metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        assert stage.body.counts == {"fast": 3, "slow": 3}
        await loop.pin("slow", 1)
        await stage.clock.advance(1)
        tick = loop.history[-1]
        assert tick.observation is not None
        assert [(v.variant.min_replicas, v.variant.max_replicas) for v in tick.observation.variants] == [
            (0, 10),
            (1, 1),
        ]
        assert (tick.cause, tick.pins) == ("slow pinned at 1", {"slow": 1})
        assert stage.body.counts == {"fast": 4, "slow": 1}
        assert [outcome.result for outcome in tick.outcomes] == [Result.APPLIED, Result.CLAMPED]
        await loop.unpin("slow")
        await stage.clock.advance(1)
        assert stage.body.counts == {"fast": 5, "slow": 2}


@pytest.mark.parametrize(("name", "count"), [("what", 1), ("fast", 11), ("fast", -1)])
async def test_a_pin_that_cannot_be_is_an_error_of_one_line(name: str, count: int) -> None:
    stage = Stage(body=MemoryBody(variants={"fast": variant()}))
    async with stage.running() as loop:
        with pytest.raises(Exception, match=r"no variant|may have 0 to 10") as error:
            await loop.pin(name, count)
        assert "\n" not in str(error.value)
        with pytest.raises(Exception, match="not pinned"):
            await loop.unpin("fast")
        assert loop.orders.pins == {}


async def test_shadows_see_the_same_and_are_never_applied() -> None:
    stage = Stage(shadows=(Threshold(limit=0.5), Broken(how="raises")))
    async with stage.running() as loop:
        await stage.clock.advance(16)
        assert [part.target for part in loop.history[0].shadows["threshold"].variants] == [3]
        assert loop.history[0].shadows.keys() == {"threshold", "broken"}
        assert loop.history[1].shadows.keys() == {"threshold"}
        assert "no traffic" in loop.history[1].problems["shadow broken"]
        assert stage.body.counts == {"fast": 2}
        assert all(plan.observation == plan.id.removeprefix("plan-") for plan in stage.body.plans)


async def test_watchers_get_every_turn_and_cannot_end_it() -> None:
    stage = Stage(settings=LoopSettings(ticks_kept=2))
    seen: list[Tick] = []

    def broken(_: Tick) -> None:
        raise RuntimeError("watcher")

    async with stage.running() as loop:
        loop.subscribe(broken)
        end = loop.subscribe(seen.append)
        await stage.clock.advance(30)
        assert [tick.number for tick in seen] == [2, 3]
        end()
        await stage.clock.advance(15)
        assert len(seen) == 2
        assert [tick.number for tick in loop.history] == [3, 4]


async def test_a_clock_that_is_set_back_does_not_take_time_back() -> None:
    stage = Stage()
    async with stage.running() as loop:
        stage.clock.offset -= 100
        await stage.clock.advance(31)
        times = [tick.observation.now for tick in loop.history if tick.observation is not None]
        assert len(times) == 3
        assert times == sorted(times)


async def test_a_hung_shadow_and_a_hung_disk_do_not_stop_decisions(tmp_path: Path) -> None:
    release = threading.Event()

    class Hung(ThreadWorker):
        async def run(self, job: Any) -> Any:
            return await super().run(lambda: release.wait(30))

    settings = LoopSettings(interval_s=0.05, shadow_limit_s=0.05, journal_limit_s=0.05)
    body = MemoryBody()
    loop: Loop[Any] = Loop(
        body,
        MemoryMetrics(waiting=9.0),
        Threshold(),
        SystemClock(),
        settings=settings,
        journal=LiveJournal(tmp_path, Threshold()),
        shadows=(Threshold(limit=1.0),),
        workers=Workers(ThreadWorker("policy"), Hung("shadows"), Hung("journal")),
    )
    running = asyncio.create_task(loop.run())
    try:
        async with asyncio.timeout(20):
            while len(loop.history) < 4:
                await asyncio.sleep(0.01)
        assert set(results(loop)) == {TickResult.APPLIED}
        assert loop.history[-1].problems.keys() == {"shadow threshold", "journal"}
        assert body.counts["fast"] > 4
    finally:
        release.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

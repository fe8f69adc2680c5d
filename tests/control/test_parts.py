"""The small parts of the loop: clocks, workers and limits."""

import asyncio
import threading
import time

import pytest

from wva.control.attempts import Attempts
from wva.control.clock import SystemClock
from wva.control.worker import ThreadWorker
from wva.record.problems import Problems


async def test_a_faster_clock_lives_faster() -> None:
    clock = SystemClock(speed=50.0)
    began, utc = time.monotonic(), clock.utc()
    await clock.sleep(5.0)
    assert clock.monotonic() >= 5.0
    assert clock.utc() - utc >= 5.0
    assert time.monotonic() - began < 3.0


def test_utc_follows_a_clock_that_is_set_forward_and_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"utc": 1000.0, "monotonic": 5.0}
    monkeypatch.setattr(time, "time", lambda: now["utc"])
    monkeypatch.setattr(time, "monotonic", lambda: now["monotonic"])
    clock = SystemClock()
    seen = [clock.utc()]
    for utc, monotonic in [(1010, 15), (500, 16), (500.5, 17), (5000, 18), (5001, 19), (100, 20)]:
        now.update(utc=utc, monotonic=monotonic)
        seen.append(clock.utc())
    assert seen == [1000, 1010, 1011, 1012, 5000, 5001, 5002]
    assert clock.monotonic() == 15


async def test_a_worker_leaves_the_event_loop_alone() -> None:
    worker = ThreadWorker("test")
    release = threading.Event()
    blocked = asyncio.create_task(worker.run(lambda: release.wait(20)))
    await asyncio.sleep(0)
    assert worker.busy
    # The loop runs on while the thread waits.
    await asyncio.sleep(0.01)
    assert not blocked.done()
    release.set()
    assert await blocked
    assert not worker.busy
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(threading.current_thread) is not threading.current_thread()


async def test_a_job_that_nobody_waits_for_is_still_done_and_the_next_one_waits() -> None:
    worker, problems = ThreadWorker("test"), Problems()
    attempts = Attempts(SystemClock(speed=100.0), problems)
    release = threading.Event()
    done: list[str] = []

    def job() -> bool:
        done.append("first")
        return release.wait(20)

    def other() -> None:
        done.append("second")

    assert await attempts.result("part", worker.run(job), 1.0) is None
    assert problems.now == {"part": "no answer in time"}
    assert worker.busy
    release.set()
    await worker.run(other)
    assert not worker.busy
    assert done == ["first", "second"]


async def test_a_problem_is_told_once_counted_always_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    problems = Problems()
    for text in ("no\n way", "no way", "other"):
        problems.report("shadow hpa", text)
    problems.solved("shadow hpa")
    problems.solved("shadow hpa")
    assert [record.message for record in caplog.records] == [
        "shadow hpa: no way",
        "shadow hpa: other",
        "shadow hpa: works again",
    ]
    assert problems.counts == {"shadow": 3}
    assert problems.now == {}

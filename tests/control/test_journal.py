"""What is left of a loop when it ends, however it ends; and disks that take nothing."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.control.virtual import MemoryMetrics, Stage
from tests.record.builders import decide, growth
from tests.record.threshold import Threshold, ThresholdMemory
from wva.control import journal as journals
from wva.control.attempts import Attempts
from wva.control.clock import SystemClock
from wva.control.journal import LiveJournal
from wva.control.loop import Loop
from wva.control.orders import Orders
from wva.control.recorder import Recorder
from wva.control.worker import InlineWorker, ThreadWorker, Workers
from wva.decide.brain import WvaPolicy
from wva.fleet.errors import UserError
from wva.fleet.observation import Observation
from wva.record.decision import Decision
from wva.record.problems import Problems
from wva.record.reader import Journal
from wva.record.replay import replay


def files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.journal"))


async def test_every_decision_is_recorded_and_replays(tmp_path: Path) -> None:
    stage = Stage(directory=tmp_path, metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        await stage.clock.advance(100)
        ticks = list(loop.history)
    (path,) = files(tmp_path)
    with Journal(path) as journal:
        assert [decision.plan for decision in journal] == [tick.plan for tick in ticks]
        assert [decision.observation for decision in journal] == [tick.observation for tick in ticks]
        assert [decision.outcomes for decision in journal] == [tick.outcomes for tick in ticks]
        assert journal.finished
        assert replay(journal).equal


async def test_a_restart_goes_on_with_memory_pins_and_pause(tmp_path: Path) -> None:
    stage = Stage(directory=tmp_path, metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        await stage.clock.advance(40)
        await loop.pin("fast", 4)
        await loop.pause()
        await stage.clock.advance(1)
        memory, orders = loop.memory, loop.orders
    assert memory.last_growth is not None
    async with stage.running() as loop:
        assert loop.orders == orders == Orders(True, {"fast": 4})
        assert loop.history[0].paused
        await loop.unpin("fast")
        await loop.resume()
        await stage.clock.advance(20)
    async with stage.running() as loop:
        assert loop.orders == Orders()
    for path, begins in zip(files(tmp_path), (None, memory), strict=False):
        with Journal(path) as journal:
            assert replay(journal).equal
            if begins is not None:
                assert str(begins.last_growth) in journal.run.initial_memory


async def test_orders_of_a_loop_that_decided_nothing_are_kept_too(tmp_path: Path) -> None:
    journal = LiveJournal(tmp_path, Threshold())
    journal.keep(Orders(True), 0.0)
    assert LiveJournal(tmp_path, Threshold()).restore().orders == Orders(True)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    record(tmp_path, 3)
    good = LiveJournal(tmp_path, Threshold()).restore()
    assert good.problem is None
    (tmp_path / "99990101T000000Z-000.journal").write_bytes(b"\x00" * 4096)
    restored = LiveJournal(tmp_path, Threshold()).restore()
    assert restored.memory == good.memory
    assert restored.problem is not None
    assert "99990101" in restored.problem


def test_another_policy_begins_anew_but_under_the_same_orders(tmp_path: Path) -> None:
    record(tmp_path, 3).keep(Orders(pins={"fast": 1}), 0.0)
    restored = LiveJournal(tmp_path, WvaPolicy()).restore()
    assert restored.memory == WvaPolicy().initial_memory()
    assert restored.orders == Orders(pins={"fast": 1})
    assert restored.problem is not None
    assert "threshold" in restored.problem


def decided(memory: ThresholdMemory, observation: Observation) -> Decision[ThresholdMemory]:
    """The decision on an observation."""
    plan, after = Threshold()(observation, memory)
    return Decision(observation, plan, after, (), 0.001)


def record(directory: Path, count: int) -> LiveJournal[ThresholdMemory]:
    """A journal of so many decisions, left as a process leaves it that is killed."""
    journal = LiveJournal(directory, Threshold())
    memory = journal.restore().memory
    for observation in growth()[:count]:
        decision = decided(memory, observation)
        journal.record(decision, memory)
        memory = decision.memory
    return journal


def test_a_disk_that_takes_nothing_costs_no_decision_until_too_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "MOST_WAITING", 3)
    journal = record(tmp_path, 1)
    assert journal.path is not None
    blocker = sqlite3.connect(journal.path)
    blocker.execute("CREATE TRIGGER full BEFORE INSERT ON block BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    blocker.commit()
    memory = journal.restore().memory

    def add(number: int) -> None:
        nonlocal memory
        decision = decided(memory, growth()[number])
        try:
            journal.record(decision, memory)
        finally:
            memory = decision.memory

    for number in (1, 2):
        with pytest.raises(UserError, match="disk full"):
            add(number)
    blocker.execute("DROP TRIGGER full")
    blocker.commit()
    add(3)
    with Journal(files(tmp_path)[0]) as whole:
        assert (len(whole), journal.lost) == (4, 0)
    blocker.execute("CREATE TRIGGER full BEFORE INSERT ON block BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    blocker.commit()
    for number in (4, 5, 6, 7):
        with pytest.raises(UserError, match="disk full"):
            add(number)
    assert journal.lost == 4
    add(8)
    assert len(files(tmp_path)) == 2
    with Journal(files(tmp_path)[1]) as rest:
        assert [decision.time for decision in rest] == [growth()[8].now]
        assert replay(rest).equal


async def test_a_loop_goes_on_where_its_journals_were_taken_away(tmp_path: Path) -> None:
    stage = Stage(directory=tmp_path / "journals", metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        assert stage.journal is not None
        stage.journal.close()
        shutil.rmtree(tmp_path / "journals")
        await stage.clock.advance(31)
        assert stage.body.counts == {"fast": 5}
        assert "cannot create the journal" in loop.history[-1].problems["journal"]
        assert stage.journal.lost == 2
        (tmp_path / "journals").mkdir()
        await stage.clock.advance(15)
        assert loop.history[-1].problems == {}
    (path,) = files(tmp_path / "journals")
    with Journal(path) as journal:
        assert len(journal) == 1
        assert replay(journal).equal


async def test_a_loop_goes_on_while_its_disk_is_full_and_says_so(tmp_path: Path) -> None:
    stage = Stage(directory=tmp_path / "journals", metrics=MemoryMetrics(waiting=9.0))
    async with stage.running() as loop:
        (path,) = files(tmp_path / "journals")
        blocker = sqlite3.connect(path)
        blocker.execute("CREATE TRIGGER full BEFORE INSERT ON block BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        blocker.commit()
        await stage.clock.advance(31)
        assert stage.body.counts == {"fast": 5}
        assert "disk full" in loop.history[-1].problems["journal"]
        assert loop.problems.counts["journal"] == 2
        blocker.execute("DROP TRIGGER full")
        blocker.commit()
        await stage.clock.advance(15)
        assert loop.history[-1].problems == {}
    with Journal(path) as journal:
        assert len(journal) == 4
        assert replay(journal).equal


async def test_an_order_that_comes_before_the_last_ones_are_known_is_added_to_them(tmp_path: Path) -> None:
    stage = Stage(directory=tmp_path / "journals")
    async with stage.running() as first:
        await first.pin("fast", 3)
    loop: Loop[Any] = Loop(
        stage.body,
        stage.metrics,
        stage.policy,
        stage.clock,
        journal=LiveJournal(tmp_path / "journals", stage.policy),
        workers=Workers(InlineWorker(), InlineWorker(), InlineWorker(), InlineWorker()),
    )
    paused = asyncio.create_task(loop.pause())
    await asyncio.sleep(0)
    running = asyncio.create_task(loop.run())
    await stage.clock.advance(1)
    await paused
    assert (loop.orders.paused, loop.orders.pins) == (True, {"fast": 3})
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_decision_while_orders_are_stored_is_recorded_after_them(tmp_path: Path) -> None:
    policy = Threshold()
    journal = LiveJournal(tmp_path / "journals", policy)
    problems = Problems()
    recorder = Recorder(journal, ThreadWorker("test"), Attempts(SystemClock(), problems), 10.0)
    begun = journal.restore().memory
    (decision,) = decide(policy, growth()[:1])
    keeping = asyncio.create_task(recorder.keep(Orders(paused=True), 0.0))
    await asyncio.sleep(0)
    await recorder.record(decision, begun)
    await keeping
    await recorder.close()
    assert (journal.lost, dict(problems.now)) == (0, {})
    (path,) = files(tmp_path / "journals")
    with Journal(path) as written:
        assert len(written) == 1


async def test_orders_that_a_full_disk_did_not_take_are_stored_once_it_does(tmp_path: Path) -> None:
    stage = Stage(directory=tmp_path / "journals")
    async with stage.running() as loop:
        (path,) = files(tmp_path / "journals")
        blocker = sqlite3.connect(path)
        blocker.execute("CREATE TRIGGER full BEFORE INSERT ON orders BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        blocker.commit()
        await loop.pause()
        await stage.clock.advance(15)
        assert "disk full" in loop.problems.now["orders"]
        blocker.execute("DROP TRIGGER full")
        blocker.commit()
        await stage.clock.advance(15)
        assert dict(loop.problems.now) == {}
    assert LiveJournal(tmp_path / "journals", stage.policy).restore().orders.paused


def test_a_decision_that_was_lost_in_between_begins_a_new_file(tmp_path: Path) -> None:
    journal = record(tmp_path, 2)
    lost = decided(journal.restore().memory, growth()[2])
    journal.skip()
    journal.record(decided(lost.memory, growth()[3]), lost.memory)
    journal.close()
    assert journal.lost == 1
    lengths = []
    for path in files(tmp_path):
        with Journal(path) as one:
            lengths.append(len(one))
            assert replay(one).equal
    assert lengths == [2, 1]


def test_files_are_bounded_in_length_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "DECISIONS_PER_FILE", 2)
    monkeypatch.setattr(journals, "FILES_KEPT", 3)
    other = tmp_path / "00-of-somebody-else.journal"
    other.write_bytes(b"")
    record(tmp_path, 9).close()
    assert other.exists()
    other.unlink()
    assert len(files(tmp_path)) == 3
    counts = []
    for path in files(tmp_path):
        with Journal(path) as journal:
            counts.append(len(journal))
            assert replay(journal).equal
    assert counts == [2, 2, 1]


def test_a_file_ends_at_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "BYTES_PER_FILE", 1)
    record(tmp_path, 4).close()
    assert len(files(tmp_path)) == 4


def test_a_place_that_cannot_be_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as error:
        LiveJournal(tmp_path / "file" / "journals", Threshold())
    assert "\n" not in str(error.value)


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.control.test_journal import decided
from tests.record.builders import decide, growth
from tests.record.threshold import Threshold
from wva.control.journal import LiveJournal

journal = LiveJournal(Path(sys.argv[1]), Threshold())
memory = journal.restore().memory
count = 0
while True:
    for observation in growth():
        count += 1
        decision = decided(memory, replace(observation, id=f"seen-{count}", now=float(count)))
        journal.record(decision, memory)
        memory = decision.memory
        if count == 20:
            print("writing", flush=True)
"""


def test_a_process_that_is_killed_while_it_writes_loses_nothing_that_was_written(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=root, env=environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    restored = LiveJournal(tmp_path, Threshold()).restore()
    assert restored.problem is None
    (path,) = files(tmp_path)
    with Journal(path) as journal:
        assert len(journal) >= 20
        assert replay(journal).equal
        windows = journal[-1].memory["windows"]["fast"]
        assert restored.memory.windows["fast"][-1].at == windows[-1]["at"] == len(journal)

"""Opening, closing and breaking off."""

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.record.builders import decide, growth, observation, record
from tests.record.threshold import MODULE, Threshold
from wva.fleet.errors import UserError
from wva.record.reader import Journal
from wva.record.writer import JournalWriter

MADE = list(decide(Threshold(), growth()))


def test_the_header_says_who_decided_with_what(tmp_path: Path) -> None:
    with Journal(record(tmp_path / "run.journal", MADE, Threshold(limit=3.0, names=("é", "b")))) as journal:
        run = journal.run
    assert (run.policy, run.scenario, run.seed, run.start) == ("threshold", "burst", 7, 0.0)
    assert (run.policy_type, run.memory_type) == (f"{MODULE}.Threshold", f"{MODULE}.ThresholdMemory")
    assert run.configuration == '{"limit":3.0,"names":["é","b"]}'
    assert run.created_utc.endswith("+00:00")


def test_an_existing_file_is_kept_unless_overwriting_is_asked_for(tmp_path: Path) -> None:
    path = record(tmp_path / "run.journal", MADE)
    with pytest.raises(UserError, match="exists"):
        JournalWriter(path, Threshold())
    with Journal(path) as journal:
        assert len(journal) == len(MADE)
    with JournalWriter(path, Threshold(), overwrite=True) as writer:
        writer.append(MADE[0])
    with Journal(path) as journal:
        assert len(journal) == 1


def test_overwriting_a_run_that_broke_off_does_not_take_over_its_log(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    broken = JournalWriter(path, Threshold(), decisions_per_block=1)
    broken.append(MADE[0])
    log = (tmp_path / "run.journal-wal").read_bytes()
    broken.close()
    (tmp_path / "run.journal-wal").write_bytes(log)
    with JournalWriter(path, Threshold(), overwrite=True), Journal(path) as journal:
        assert len(journal) == 0


def test_only_one_file_is_left_when_it_is_closed(tmp_path: Path) -> None:
    record(tmp_path / "run.journal", MADE)
    assert [path.name for path in tmp_path.iterdir()] == ["run.journal"]


@pytest.mark.parametrize("place", ["missing/run.journal", "directory"])
def test_a_place_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(UserError) as error:
        JournalWriter(tmp_path / place, Threshold(), overwrite=True)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["directory"]


def test_time_does_not_go_back(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "run.journal", Threshold()) as writer:
        for time in (5.0, 5.0):
            writer.append(replace(MADE[0], observation=observation(time)))
        for time in (4.0, float("nan"), float("inf")):
            with pytest.raises(ValueError, match="cannot follow"):
                writer.append(replace(MADE[0], observation=observation(time)))


def test_nothing_is_added_after_closing(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "run.journal", Threshold())
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.append(MADE[0])


def test_a_run_under_way_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    with JournalWriter(path, Threshold(), decisions_per_block=4) as writer, Journal(path) as journal:
        assert (len(journal), list(journal), journal.times(), journal.at(0.0)) == (0, [], (), None)
        for decision in MADE[:6]:
            writer.append(decision)
        assert len(list(journal)) == len(journal) == 4
        writer.flush()
        assert len(list(journal)) == len(journal) == 6
        assert not journal.finished
    with Journal(path) as journal:
        assert journal.finished


def test_an_error_keeps_what_was_decided_and_leaves_the_run_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"

    def break_off() -> None:
        with JournalWriter(path, Threshold()) as writer:
            writer.append(MADE[0])
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        break_off()
    with Journal(path) as journal:
        assert (len(journal), journal.finished) == (1, False)


def test_a_crash_leaves_all_whole_blocks(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tests.record.builders import decide, growth, Threshold, JournalWriter\n"
        "writer = JournalWriter(Path(sys.argv[1]), Threshold(), decisions_per_block=4)\n"
        "for decision in decide(Threshold(), growth()): writer.append(decision)\n"
        "os._exit(9)"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, env=environment, check=False)
    assert ended.returncode == 9
    with Journal(path) as journal:
        assert [decision.plan for decision in journal] == [decision.plan for decision in MADE[:8]]
        assert not journal.finished


def test_a_full_disk_is_an_error_of_one_line_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    writer = JournalWriter(path, Threshold(), decisions_per_block=2)
    writer.append(MADE[0])
    blocker = sqlite3.connect(path)
    blocker.execute("CREATE TRIGGER full BEFORE INSERT ON block BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    blocker.commit()
    with pytest.raises(UserError, match="disk full"):
        writer.append(MADE[1])
    blocker.execute("DROP TRIGGER full")
    blocker.commit()
    blocker.close()
    writer.close()
    with Journal(path) as journal:
        assert [decision.plan for decision in journal] == [decision.plan for decision in MADE[:2]]

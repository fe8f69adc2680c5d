"""Finding decisions by number and by time, and files that are not what they seem."""

import sqlite3
from pathlib import Path

import pytest

from tests.record.builders import decide, growth, observation, record
from tests.record.threshold import Threshold
from wva.fleet.errors import UserError
from wva.record.find import find_journal
from wva.record.reader import Journal
from wva.record.schema import FORMAT_VERSION
from wva.record.writer import JournalWriter

MADE = list(decide(Threshold(), growth()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return record(tmp_path / "run.journal", MADE)


def test_decisions_by_number(path: Path) -> None:
    with Journal(path) as journal:
        assert [journal[index].time for index in (0, 3, 4, 9, -1, -10)] == [0, 45, 60, 135, 135, 0]
        assert [decision.time for decision in journal.decisions(7)] == [105, 120, 135]
        assert list(journal.decisions(10)) == []
        for index in (10, -11):
            with pytest.raises(IndexError):
                journal[index]


@pytest.mark.parametrize(
    ("time", "expected"),
    [(-0.1, None), (0.0, 0), (14.9, 0), (15.0, 1), (45.0, 3), (59.9, 3), (60.0, 4), (60.1, 4), (135.0, 9), (1e9, 9)],
)
def test_the_decision_in_force(path: Path, time: float, expected: int | None) -> None:
    with Journal(path) as journal:
        assert journal.index_at(time) == expected
        found = journal.at(time)
        assert (None if found is None else found.plan) == (None if expected is None else MADE[expected].plan)


def test_the_last_of_simultaneous_decisions_is_in_force(tmp_path: Path) -> None:
    same = list(decide(Threshold(), [observation(5.0)] * 7))
    with Journal(record(tmp_path / "run.journal", same)) as journal:
        assert (journal.index_at(5.0), journal.index_at(4.9)) == (6, None)


def test_iterations_do_not_disturb_each_other(path: Path) -> None:
    with Journal(path) as journal:
        pairs = [(one.time, other.time) for one, other in zip(journal, journal.decisions(5), strict=False)]
    assert pairs == [(15.0 * index, 15.0 * (index + 5)) for index in range(5)]


def test_what_is_no_journal_is_an_error_of_one_line(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other"
    text.write_text("not a database, but long enough to look like one" * 50)
    sqlite3.connect(other).execute("CREATE TABLE something (id)").connection.close()
    for path, words in ((text, "cannot read"), (other, "not a journal"), (tmp_path / "none", "no journal")):
        with pytest.raises(UserError, match=words) as error:
            Journal(path)
        assert "\n" not in str(error.value)


def _change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_another_format_is_named(path: Path) -> None:
    _change(path, f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    with pytest.raises(UserError, match=f"format {FORMAT_VERSION + 1}"):
        Journal(path)


@pytest.mark.parametrize("column", ["plans", "observations", "metrics", "memories", "times"])
def test_damage_is_an_error_of_one_line(path: Path, column: str) -> None:
    _change(path, f"UPDATE block SET {column} = ?", b"[]\nnonsense")
    with Journal(path) as journal, pytest.raises(UserError, match="damaged") as error:
        list(journal)
    assert "\n" not in str(error.value)


def test_data_of_other_types_name_the_field(path: Path) -> None:
    from wva.record.column import pack  # noqa: PLC0415

    _change(path, "UPDATE block SET plans = ?", pack([b'{"id": "p", "observation": "o", "variants": []}'] * 4))
    with Journal(path) as journal, pytest.raises(UserError, match="valid_until: Field required"):
        list(journal)


def test_a_journal_is_found_in_a_directory(path: Path, tmp_path: Path) -> None:
    assert find_journal(path) == path
    assert find_journal(tmp_path) == path
    (tmp_path / "below").mkdir()
    second = record(tmp_path / "below" / "second.journal", MADE)
    with pytest.raises(UserError, match="2 journals") as error:
        find_journal(tmp_path)
    assert str(path) in str(error.value)
    assert str(second) in str(error.value)


def test_no_journal_to_find(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="there is no journal"):
            find_journal(place)


def test_a_finished_journal_can_be_read_where_nothing_can_be_written(path: Path) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        with Journal(path) as journal:
            assert len(journal) == len(MADE)
    finally:
        path.parent.chmod(0o755)


def test_an_unusual_name_is_no_obstacle(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "a run?#100%é.journal", Threshold()) as writer:
        writer.append(MADE[0])
    with Journal(tmp_path / "a run?#100%é.journal") as journal:
        assert len(journal) == 1


def test_the_scenario_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    with JournalWriter(path, Threshold(), scenario="burst", seed=7, document='{"name": "burst"}'):
        pass
    with Journal(path) as journal:
        assert journal.document == '{"name": "burst"}'


def test_a_journal_of_before_scenarios_were_kept_can_be_read(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE scenario")
    with Journal(path) as journal:
        assert journal.document is None
        assert len(journal) == 10

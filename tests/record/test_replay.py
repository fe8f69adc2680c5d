"""Making recorded decisions again."""

import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.record.builders import decide, growth, record
from tests.record.threshold import MODULE, Threshold, ThresholdMemory
from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation
from wva.fleet.plan import Plan
from wva.record import replay as module
from wva.record.compare import ABSENT, Difference, first_difference
from wva.record.digest import configuration_digest
from wva.record.reader import Journal
from wva.record.replay import replay
from wva.record.writer import JournalWriter

MADE = list(decide(Threshold(), growth()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return record(tmp_path / "run.journal", MADE)


def _change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def test_a_recorded_run_comes_out_the_same(path: Path) -> None:
    with Journal(path) as journal:
        result = replay(journal)
    assert result.equal
    assert (result.decisions, result.different, result.first) == (len(MADE), 0, None)
    assert (result.code_changed, result.configuration_changed, result.fleet_configurations) == (False, False, 1)


def test_the_policy_is_rebuilt_with_its_configuration(tmp_path: Path) -> None:
    policy = Threshold(limit=2.5, names=("é",))
    with Journal(record(tmp_path / "run.journal", list(decide(policy, growth())), policy)) as journal:
        assert replay(journal).equal
        assert not replay(journal, Threshold()).equal


def test_another_configuration_is_told_with_the_first_difference(path: Path) -> None:
    with Journal(path) as journal:
        result = replay(journal, Threshold(limit=100.0))
    assert result.configuration_changed
    assert not result.code_changed
    assert result.different == 1
    assert result.first is not None
    assert (result.first.index, result.first.time) == (2, 30.0)
    assert result.first.difference == Difference("plan.variants[0].target", 3, 2)


def test_each_decision_gets_the_recorded_memory_before_it(path: Path) -> None:
    """A difference in one decision's memory does not spread to those after it."""

    @dataclass(frozen=True, slots=True)
    class Forgetful(Threshold):
        def __call__(self, observation: Observation, memory: ThresholdMemory) -> tuple[Plan, ThresholdMemory]:
            plan, after = super(Forgetful, self).__call__(observation, memory)
            return plan, replace(after, last_growth=None) if observation.now == 30.0 else after

    with Journal(path) as journal:
        result = replay(journal, Forgetful())
    assert result.different == 1
    assert result.first is not None
    assert result.first.difference == Difference("memory.last_growth", 30.0, None)


def test_a_policy_that_fails_is_a_difference(path: Path) -> None:
    @dataclass(frozen=True, slots=True)
    class Failing(Threshold):
        def __call__(self, observation: Observation, memory: ThresholdMemory) -> tuple[Plan, ThresholdMemory]:
            raise ZeroDivisionError("no replica")

    with Journal(path) as journal:
        result = replay(journal, Failing())
    assert result.different == len(MADE)
    assert result.first is not None
    assert result.first.difference.now == "ZeroDivisionError: no replica"


def test_other_code_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "code_digest", lambda: "other")
    with Journal(path) as journal:
        result = replay(journal)
    assert result.code_changed
    assert result.equal


def test_a_field_that_the_policy_lost_changes_its_configuration(path: Path) -> None:
    digest = configuration_digest('{"limit":5.0,"names":[],"lost":1}')
    _change(path, "UPDATE run SET configuration_digest = ?", digest)
    with Journal(path) as journal:
        assert replay(journal).configuration_changed


def test_a_fleet_configured_anew_during_the_run_is_told(tmp_path: Path) -> None:
    later = [replace(one, configuration="other") if number > 5 else one for number, one in enumerate(growth())]
    with Journal(record(tmp_path / "run.journal", list(decide(Threshold(), later)))) as journal:
        assert replay(journal).fleet_configurations == 2


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("policy_type", "os.system", "not a type of WVA"),
        ("policy_type", "wvanothing.policies.Policy", "not a type of WVA"),
        ("policy_type", "wva.policies.gone.Gone", "no wva.policies.gone.Gone"),
        ("policy_type", "wva.fleet.observation.Gone", "no wva.fleet.observation.Gone"),
        ("policy_type", "wva.record.find.Path", "not a dataclass"),
        ("policy_type", "wva.record.find.find_journal", "not a dataclass"),
        ("policy_type", "wva.fleet.variant.EngineArguments", "not a policy"),
        ("memory_type", f"{MODULE}.Threshold", "not a memory"),
        ("configuration", '{"limit": "high"}', "configuration does not fit"),
        ("configuration", "nonsense", "configuration does not fit"),
        ("initial_memory", '{"version": "old"}', "memory does not fit"),
    ],
)
def test_what_cannot_be_rebuilt_is_an_error_of_one_line(path: Path, column: str, value: str, words: str) -> None:
    _change(path, f"UPDATE run SET {column} = ?", value)
    with Journal(path) as journal, pytest.raises(UserError, match=words) as error:
        replay(journal)
    assert "\n" not in str(error.value)


def test_a_policy_with_another_memory_cannot_replay(path: Path) -> None:
    @dataclass(frozen=True, slots=True)
    class Other:
        name: str = "other"

        def initial_memory(self) -> Memory:
            return Memory()

        def __call__(self, observation: Observation, memory: Memory) -> tuple[Plan, Memory]:
            raise NotImplementedError

    with Journal(path) as journal, pytest.raises(UserError, match=r"remembers in wva\.fleet\.memory\.Memory"):
        replay(journal, Other())


def test_an_empty_run_is_equal(tmp_path: Path) -> None:
    JournalWriter(tmp_path / "run.journal", Threshold()).close()
    with Journal(tmp_path / "run.journal") as journal:
        assert replay(journal).equal


NAN = float("nan")


@pytest.mark.parametrize(
    ("recorded", "now", "expected"),
    [
        ({"a": [1, NAN]}, {"a": [1.0, NAN]}, None),
        ({"a": [1, NAN]}, {"a": [1, None]}, ("x.a[1]", NAN, None)),
        ({"a": 1, "b": 2}, {"b": 3, "a": 1}, ("x.b", 2, 3)),
        ({"a": 1}, {}, ("x.a", 1, ABSENT)),
        ({}, {"a": 1}, ("x.a", ABSENT, 1)),
        ([1], [1, 2], ("x[1]", ABSENT, 2)),
        ([1, 2], [1], ("x[1]", 2, ABSENT)),
        ([], {}, ("x", [], {})),
        (0, None, ("x", 0, None)),
    ],
)
def test_the_first_difference(recorded: Any, now: Any, expected: tuple[str, Any, Any] | None) -> None:
    found = first_difference(recorded, now, "x")
    assert repr(found) == repr(None if expected is None else Difference(*expected))

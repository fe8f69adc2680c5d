"""What is written comes back, bit for bit."""

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from pydantic_core import from_json

from tests.record.builders import decide, growth, observation, record, replica, seen
from tests.record.strategies import METRICS, RUNS
from tests.record.threshold import Threshold, ThresholdMemory
from wva.fleet.replica import InstanceMetrics
from wva.record.column import column
from wva.record.compare import first_difference
from wva.record.decision import Decision
from wva.record.matrix import from_row, metrics_row, pack_matrix, to_matrix, unpack_matrix
from wva.record.reader import Journal
from wva.record.rebuild import rebuild_memory
from wva.record.writer import JournalWriter


def same(one: Any, other: Any) -> bool:
    """Equality of all fields in which NaN equals NaN, 0.0 differs from -0.0, and None from NaN."""
    return repr(one) == repr(other)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(RUNS)
def test_random_decisions_come_back_as_they_were(run: tuple[Decision[ThresholdMemory], ...]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.journal"
        with JournalWriter(path, Threshold(), decisions_per_block=2) as writer:
            for decision in run:
                writer.append(decision)
        with Journal(path) as journal:
            read = list(journal)
            assert journal.times() == tuple(decision.time for decision in run)
    assert len(read) == len(run)
    for back, decision in zip(read, run, strict=True):
        assert _same_but_for_zeros(back.observation, decision.observation)
        assert same((back.plan, back.outcomes), (decision.plan, decision.outcomes))
        assert back.duration_s == decision.duration_s
        assert same(rebuild_memory(ThresholdMemory, back.memory), decision.memory)


def _same_but_for_zeros(one: Any, other: Any) -> bool:
    """Objects that are equal are written once in a block, and -0.0 equals 0.0."""
    left, right = (from_json(column(type(one)).encode(value)) for value in (one, other))
    return first_difference(left, right, "") is None


@settings(deadline=None)
@given(METRICS)
def test_metrics_keep_every_bit(metrics: InstanceMetrics) -> None:
    (row,) = unpack_matrix(pack_matrix([to_matrix([metrics_row(metrics)])]))
    assert same(from_row(row), metrics)


def test_unknown_is_not_nan() -> None:
    metrics = InstanceMetrics(1.0, math.nan, None, math.inf, *[None] * 15)
    (row,) = unpack_matrix(pack_matrix([to_matrix([metrics_row(metrics)])]))
    assert row[2] is None
    assert math.isnan(row[1] or 0.0)


def test_metrics_fit_a_matrix_of_floats() -> None:
    hints = get_type_hints(InstanceMetrics)
    assert hints.pop("age_s") is float
    assert set(hints.values()) == {float | None}


def test_a_run_of_a_policy_comes_back(tmp_path: Path) -> None:
    made = list(decide(Threshold(), growth()))
    with Journal(record(tmp_path / "run.journal", made)) as journal:
        assert [decision.observation for decision in journal] == [decision.observation for decision in made]
        assert [decision.plan for decision in journal] == [decision.plan for decision in made]
        assert journal[-1].memory["windows"]["fast"][0] == {"at": 105.0, "waiting": 0.0}


def test_replicas_without_engines_and_fleets_without_variants(tmp_path: Path) -> None:
    ordered = replace(replica("a"), instances=())
    made = list(decide(Threshold(), [observation(0.0), observation(1.0, seen([ordered]))]))
    with Journal(record(tmp_path / "run.journal", made)) as journal:
        assert [decision.observation for decision in journal] == [decision.observation for decision in made]


def test_a_value_of_the_wrong_type_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    good, bad = list(decide(Threshold(), growth()))[:2]
    bad = replace(bad, plan=replace(bad.plan, valid_until="soon"))  # type: ignore[arg-type]
    with JournalWriter(tmp_path / "run.journal", Threshold()) as writer:
        writer.append(good)
        with pytest.raises(ValueError, match="valid_until"):
            writer.append(bad)
    with Journal(tmp_path / "run.journal") as journal:
        assert len(list(journal)) == len(journal) == 1

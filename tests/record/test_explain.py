"""What a person reads."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from tests.record.builders import decide, growth, observation, record, refused, replica, seen
from tests.record.threshold import Threshold
from wva.fleet.errors import UserError
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Victim
from wva.fleet.replica import Phase
from wva.record.explain import explain_decision, explain_run
from wva.record.reader import Journal
from wva.record.writer import JournalWriter


def told(part: RenderableType) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(part)
    return " ".join(capture.get().split())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = list(decide(Threshold(), growth()))
    made[3] = refused(made[3], "out of stock")
    return record(tmp_path / "run.journal", made)


def test_the_timeline_holds_the_facts(path: Path) -> None:
    with Journal(path) as journal:
        text = told(explain_run(journal))
    assert "Policy threshold on scenario burst, seed 7: 10 decisions" in text
    assert "30s fast 2 -> 3 11 requests wait, more than 5 applied; 3 ready after 45s" in text
    assert "45s hold for 45s, 4 decisions (held x4); last: 4 requests wait refused x1" in text
    assert "1m45s fast 3 -> 2 no request waits applied; 2 left after 30s" in text


def test_a_decision_holds_the_facts(path: Path) -> None:
    with Journal(path) as journal:
        text = told(explain_decision(journal, 59.0))
    assert "Decision 3 at 45s, in force until 1m; caused by interval; took 4 ms" in text
    assert "model llama: 3.25 requests/s over 1 min and unknown over 5 min, 7 in flight" in text
    assert "P90 250 ms to the first token and unknown for each further one" in text
    assert "(4s old)" in text
    assert "fast: 1 starting, 2 ready; desired 3, ready by its status 2" in text
    assert "a ready for 45s 3s 4 1 50%" in text
    assert "c starting for 15s never seen unknown unknown unknown" in text
    assert "unknown of all of them: input tokens/s, output tokens/s, TTFT, between tokens" in text
    assert "outcome: refused: out of stock (2 replicas)" in text
    assert "last_growth: 30.0" in text


def test_a_change_is_told_with_how_it_went_on(path: Path) -> None:
    with Journal(path) as journal:
        text = told(explain_decision(journal, 30.0, "fast"))
    assert "fast: 2 -> 3, 3 published demand: 11 requests wait, more than 5 step: one at a time" in text
    assert "outcome: applied (3 replicas)" in text
    assert "fast 2 -> 3: applied; 3 ready after 45s" in text
    assert "next change at 1m45s: fast 3 -> 2 (no request waits)" in text


def test_the_last_decision_says_so(path: Path) -> None:
    with Journal(path) as journal:
        text = told(explain_decision(journal, 1e6))
    assert "Decision 9 at 2m15s, the last one recorded" in text
    assert "no other change to the end of the journal at 2m15s" in text


def test_what_is_unknown_is_called_unknown(tmp_path: Path) -> None:
    blind = replace(seen([replace(replica("a"), instances=())]), ready=None)
    bare = replace(observation(0.0, blind), models=(replace(observation(0.0).models[0], traffic=None),))
    with Journal(record(tmp_path / "run.journal", list(decide(Threshold(), [bare])))) as journal:
        text = told(explain_decision(journal, 0.0))
    assert "model llama: traffic unknown" in text
    assert "ready by its status unknown" in text
    assert "a ready for 0s never seen" in text
    assert "hold at 1, nothing published held: nothing is known of the queue" in text


def test_conditions_and_missing_answers_are_told(tmp_path: Path) -> None:
    (made,) = decide(Threshold(), [observation(0.0, seen([replica("[bold]a", 0.0), replica("b", 0.0)]))])
    part = replace(made.plan.variants[0], victims=(Victim("b", None),), restore=("x",), after_freed=("y",), reasons=())
    made = replace(made, plan=replace(made.plan, variants=(part,)), outcomes=())
    with Journal(record(tmp_path / "run.journal", [made])) as journal:
        text = told(explain_decision(journal, 0.0))
        timeline = told(explain_run(journal))
    assert "fast: 2 -> 1, 1 published, no reason given" in text
    assert "stop first: b take back: x only after these are gone: y outcome: no answer" in text
    assert "[bold]a ready" in text
    assert "0s fast 2 -> 1 no reason given no answer; not reached, unknown left when last seen" in timeline


def test_a_change_that_something_stopped(tmp_path: Path) -> None:
    waiting = [replica("a", 9.0)]
    starting = replica("b", None, Phase.STARTING)
    steps = [seen(waiting), seen([*waiting, starting], desired=2)]
    first, second = decide(Threshold(), [observation(15.0 * number, step) for number, step in enumerate(steps)])
    clamped = replace(second, outcomes=(Outcome(second.plan.id, "fast", Result.CLAMPED, 2, "quota of 2"),))
    with Journal(record(tmp_path / "run.journal", [first, clamped])) as journal:
        text = told(explain_run(journal))
    assert "applied; replaced after 15s with 1 ready" in text
    assert "clamped: quota of 2; not reached, unknown ready when last seen" in text


def test_a_live_run_counts_from_its_start_and_shows_the_date(tmp_path: Path) -> None:
    start = 1_800_000_000.0
    with JournalWriter(tmp_path / "run.journal", Threshold(), start=start) as writer:
        for decision in decide(Threshold(), [observation(start + 15.0 * step) for step in range(3)]):
            writer.append(decision)
    with Journal(tmp_path / "run.journal") as journal:
        text = told(explain_decision(journal, 20.0))
    assert "on a live fleet" in text
    assert "Decision 1 at 15s (2027-01-15 08:00:15 UTC), in force until 30s" in text


def test_one_of_several_variants(tmp_path: Path) -> None:
    calm, busy = seen([replica("a", 1.0)], name="calm"), seen([replica("b", 9.0)], name="busy")
    with Journal(
        record(tmp_path / "run.journal", list(decide(Threshold(), [observation(0.0, calm, busy)])))
    ) as journal:
        text = told(explain_decision(journal, 0.0, "calm"))
        assert "calm: 1 ready" in text
        assert "busy:" not in text.partition("Remembered")[0]
        assert "busy 1 -> 2" in told(explain_run(journal))
        with pytest.raises(UserError, match="no variant none; it has busy, calm"):
            explain_run(journal, "none")
        with pytest.raises(UserError, match="no variant none; it has busy, calm"):
            explain_decision(journal, 0.0, "none")


def test_there_may_be_nothing_to_explain(tmp_path: Path) -> None:
    with JournalWriter(tmp_path / "run.journal", Threshold()) as writer, Journal(writer.path) as journal:
        with pytest.raises(UserError, match="no decision yet"):
            explain_run(journal)
        with pytest.raises(UserError, match="holds none yet"):
            explain_decision(journal, 0.0)
        writer.append(next(decide(Threshold(), [observation(90.0)])))
        writer.flush()
        with pytest.raises(UserError, match="no decision at 1m: the first is at 1m30s"):
            explain_decision(journal, 60.0)

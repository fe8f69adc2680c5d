"""The two commands over the journal."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.record.builders import decide, growth, record
from tests.record.threshold import Threshold
from wva.cli.explain import explain
from wva.cli.replay import replay
from wva.fleet.errors import UserError
from wva.record import replay as replay_module


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return record(tmp_path / "run.journal", list(decide(Threshold(), growth())))


def run(*arguments: str) -> Result:
    app = typer.Typer()
    app.command("explain")(explain)
    app.command("replay")(replay)
    return CliRunner().invoke(app, arguments)


def test_explain_tells_the_timeline_of_the_only_journal_in_a_directory(path: Path) -> None:
    result = run("explain", str(path.parent))
    assert result.exit_code == 0
    assert "2 -> 3" in result.output


def test_explain_tells_one_decision(path: Path) -> None:
    result = run("explain", str(path), "--at", "0m45s", "--variant", "fast")
    assert result.exit_code == 0
    assert "Decision 3 at 45s" in result.output


def test_a_time_may_be_bare_seconds(path: Path) -> None:
    assert "Decision 3 at 45s" in run("explain", str(path), "--at", "45", "--variant", "fast").output


@pytest.mark.parametrize("arguments", [["nowhere"], ["{path}", "--at", "soon"], ["{path}", "--variant", "none"]])
def test_errors_are_the_users_to_read(path: Path, arguments: list[str]) -> None:
    result = run("explain", *(argument.format(path=path) for argument in arguments))
    assert isinstance(result.exception, UserError)


def test_replay_says_that_all_is_equal(path: Path) -> None:
    result = run("replay", str(path))
    assert result.exit_code == 0
    assert result.output == "Policy threshold: all 10 decisions come out as recorded.\n"


def test_replay_says_what_differs_and_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list(decide(Threshold(limit=20.0), growth()))
    path = record(tmp_path / "run.journal", made, Threshold())
    monkeypatch.setattr(replay_module, "code_digest", lambda: "other")
    result = run("replay", str(path))
    assert result.exit_code == 1
    assert "The deciding code is not the one that recorded the run" in result.output
    assert "Policy threshold: 1 of 10 decisions come out differently." in result.output
    assert "The first is decision 2 at 30s, in plan.variants[0].target:" in result.output
    assert "recorded: 2\n" in result.output
    assert "now:      3\n" in result.output

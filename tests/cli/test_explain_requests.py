"""``wva explain`` on the requests of a run."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.record.builders import decide, growth, record
from tests.record.threshold import Threshold
from tests.report.tiny import tiny
from wva.cli.explain import explain
from wva.fleet.errors import UserError
from wva.report.compare import compare
from wva.report.contenders import parse_contenders
from wva.report.output import JOURNALS, RESULTS
from wva.scenario.load import load_scenario, override


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("explained")
    compare(override(load_scenario(tiny(where)), seeds=[1]), parse_contenders(["hpa"]), where / "out")
    return where / "out"


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command("explain")(explain)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def told(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_misses_are_those_of_the_results(out: Path) -> None:
    (scored,) = json.loads((out / RESULTS).read_text())["policies"]["hpa"]["seeds"]
    misses = told(out, "--misses")
    assert (misses["offered"], misses["met"]) == (scored["offered"], scored["met"])
    by_cause = {entry["cause"]: entry["misses"] for entry in misses["causes"]}
    assert sum(by_cause.values()) == scored["offered"] - scored["met"]
    assert by_cause["crash"] == scored["failed"]["crash"]
    for moment in misses["moments"]:
        assert moment["misses"] <= moment["arrivals"]


def test_misses_are_a_table_with_requests_to_ask_about(out: Path) -> None:
    output = run(out, "--misses").stdout
    assert "requests missed their objectives" in output
    assert "lost when its replica crashed" in output
    assert f"wva explain {out / JOURNALS}" in output.replace("\n", "")


def test_examples_have_the_cause_that_they_stand_for(out: Path) -> None:
    for entry in told(out, "--misses")["causes"]:
        for example in entry["examples"][:1]:
            assert told(out, "--request", example)["request"]["cause"] == entry["cause"]


def test_a_request_is_told_whole(out: Path) -> None:
    found = told(out, "--request", "worst")
    request = found["request"]
    assert not request["met"]
    assert sum(stage["seconds"] for stage in found["stages"]) == pytest.approx(request["total_s"])
    assert found["decision"]["time_s"] <= request["arrival_s"]
    assert any(one["met"] for one in found["alone"])


@pytest.mark.parametrize("named", ["0", "worst", "first-miss"])
def test_a_request_is_shown(out: Path, named: str) -> None:
    result = run(out, "--request", named)
    assert result.exit_code == 0
    for heading in ("Where its time went", "The fleet when it arrived", "Which decision would have saved it"):
        assert heading in result.stdout


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--request", "1000000"], r"the run has requests 0 to \d+, in order of arrival"),
        (["--request", "-1"], "the run has requests 0 to"),
        (["--request", "slow"], "give the number of a request, worst or first-miss"),
        (["--request", "1", "--misses"], "give one of them"),
        (["--misses", "--at", "10s"], "--variant and --at tell of decisions"),
        (["--json"], "--json goes with --request or --misses"),
    ],
)
def test_errors_are_one_line(out: Path, arguments: list[str], what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        raise run(out, *arguments).exception  # type: ignore[misc]
    assert "\n" not in str(caught.value)


def test_a_journal_that_is_no_simulation_says_so(tmp_path: Path) -> None:
    path = record(tmp_path / "run.journal", list(decide(Threshold(), growth())))
    assert isinstance(run(path, "--misses").exception, UserError)

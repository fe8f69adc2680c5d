"""What ran once does not run again, unless what it depends on has changed."""

from pathlib import Path

import pytest

from tests.report.experiments.small import Counted, small
from tests.report.tiny import TINY
from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.report.contenders import Contender
from wva.report.experiments.experiment import Experiment
from wva.scenario.load import load_scenario, override
from wva.scenario.schema import Scenario


def experiments(scenario: Scenario, tolerance: float = 0.1) -> list[Experiment]:
    hpa, static = Contender("hpa", "hpa", {"tolerance": tolerance}), Contender("still", "static", {})
    return [Experiment(scenario, contender, seed) for seed in (1, 2) for contender in (hpa, static)]


def test_a_second_bench_runs_nothing_and_finds_the_same(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    with Counted(tmp_path / "runs") as first:
        made = first.bench.outcomes(experiments(scenario))
    assert first.ran == ["hpa, seed 1", "still, seed 1", "hpa, seed 2", "still, seed 2"]
    assert sum(made[0]["causes"].values()) == made[0]["offered"] - made[0]["met"]
    with Counted(tmp_path / "runs") as second:
        assert second.bench.outcomes(experiments(scenario)) == made
    assert second.ran == []


def test_an_edited_option_or_scenario_runs_only_its_own_again(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    with Counted(tmp_path / "runs") as counted:
        counted.bench.outcomes(experiments(scenario))
        counted.ran.clear()
        counted.bench.outcomes(experiments(scenario, tolerance=0.2))
        assert counted.ran == ["hpa, seed 1", "hpa, seed 2"]
        counted.ran.clear()
        counted.bench.outcomes(experiments(override(scenario, queue=Queue.GATEWAY)))
        assert len(counted.ran) == 4
        counted.ran.clear()
        # A name and a list of seeds change no run; the default given as an option is the default.
        renamed = scenario.model_copy(update={"name": "other", "seeds": (9,)})
        counted.bench.outcomes(experiments(renamed))
        counted.bench.outcomes([Experiment(scenario, Contender("hpa", "hpa", {}), 1)])
        assert counted.ran == []


def test_equal_jobs_run_once_and_answer_each(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    with Counted(tmp_path / "runs") as counted:
        one, other = counted.bench.outcomes([experiments(scenario)[0], experiments(scenario)[0]])
    assert one == other
    assert len(counted.ran) == 1


def test_traces_count_by_their_content(tmp_path: Path) -> None:
    head, models = TINY.split("models:", 1)
    text = f"{head.split('workload:')[0]}workload: [{{model: chat, trace: t.csv}}]\nmodels:{models}"
    rows = ["TIMESTAMP,ContextTokens,GeneratedTokens", *(f"2024-05-10 00:00:{s:02}.000000,100,5" for s in range(20))]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s.yaml").write_text(text)
        (tmp_path / name / "t.csv").write_text("\n".join(rows) + "\n")
    one, two = (load_scenario(tmp_path / name / "s.yaml") for name in ("one", "two"))
    contender = Contender("still", "static", {})
    with Counted(tmp_path / "runs") as counted:
        counted.bench.outcomes([Experiment(one, contender, 1)])
        counted.bench.outcomes([Experiment(two, contender, 1)])
        assert len(counted.ran) == 1
        (tmp_path / "two" / "t.csv").write_text("\n".join(rows[:-1]) + "\n")
        counted.bench.outcomes([Experiment(two, contender, 1)])
        assert len(counted.ran) == 2


def test_what_was_done_before_an_error_is_kept(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    silent = override(scenario, scale=1e-9)
    with Counted(tmp_path / "runs") as counted, pytest.raises(UserError, match="no request arrives"):
        counted.bench.outcomes([experiments(scenario)[0], experiments(silent)[0]])
    with Counted(tmp_path / "runs") as counted:
        counted.bench.outcomes(experiments(scenario)[:1])
    assert counted.ran == []

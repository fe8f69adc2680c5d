"""A frontier of half a minute of traffic from end to end."""

import json
from pathlib import Path

import pytest

from tests.report.experiments.small import small
from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.report.experiments.bench import JobWatcher
from wva.report.frontier.data import Frontier
from wva.report.frontier.make import PAGE, RESULTS, TABLE, every_rival, make_frontier, require_rivals
from wva.scenario.load import override


def make(directory: Path, ran: list[str], queues: tuple[Queue, ...] = (Queue.ENGINE,)) -> Frontier:
    scenario = override(small(directory), seeds=[1, 2])
    watcher = JobWatcher(finished=lambda job: ran.append(job.name))
    return make_frontier([scenario], queues, ("hpa",), directory / "out", trials=3, watcher=watcher)


@pytest.mark.slow
def test_a_frontier_made_again_runs_nothing_and_a_queue_more_runs_only_that(tmp_path: Path) -> None:
    ran: list[str] = []
    found = make(tmp_path, ran)
    assert ran
    (panel,) = found.panels
    assert [(curve.name, curve.kind) for curve in panel.curves] == [
        ("wva", "own"),
        ("hpa", "rival"),
        ("static-best", "static"),
    ]
    assert all(len(spot.runs) == 2 for curve in panel.curves for spot in curve.spots)
    assert sum("(default)" in spot.label for spot in panel.curves[0].spots) == 1
    assert panel.curves[1].spots[0].label == "defaults"
    assert [startup.startup_s for startup in panel.startups] == [30.0, 110.0, 300.0]
    assert panel.verdict is not None
    assert panel.verdict.rival == "hpa"
    assert json.loads((tmp_path / "out" / RESULTS).read_text())["panels"][0]["scenario"] == "tiny"
    assert (tmp_path / "out" / PAGE).exists()
    assert (tmp_path / "out" / TABLE).exists()
    ran.clear()
    assert make(tmp_path, ran) == found
    assert ran == []
    both = make(tmp_path, ran, tuple(Queue))
    assert both.panels[0] == found.panels[0]
    assert ran


def test_every_policy_with_parameters_is_a_rival_but_the_own() -> None:
    assert "hpa" in every_rival()
    assert not {"wva", "static"} & set(every_rival())
    assert require_rivals([]) == every_rival()
    with pytest.raises(UserError, match="--rival: 'static' is no rival that can be tuned: choose from hpa"):
        require_rivals(["static"])


def test_scenarios_have_names_of_their_own(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    with pytest.raises(UserError, match="two scenarios are called 'tiny'"):
        make_frontier([scenario, scenario], tuple(Queue), ("hpa",), tmp_path / "out")
    assert not (tmp_path / "out").exists()

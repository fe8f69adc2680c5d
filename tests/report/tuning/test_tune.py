"""Searches on a scenario of half a minute."""

from pathlib import Path

import pytest

from tests.report.experiments.small import Counted, small
from wva.fleet.errors import UserError
from wva.report.contenders import Contender, parse_contenders
from wva.report.experiments.trade import non_dominated
from wva.report.tuning.answer import answer, write_answer
from wva.report.tuning.study import Tried
from wva.report.tuning.tune import BATCH, Search, open_search, tune

TRIALS = BATCH + 4


def search(directory: Path, out: str) -> Search:
    return open_search("hpa", small(directory), directory / out)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Tried]]:
    directory = tmp_path_factory.mktemp("tuned")
    with Counted(directory / "runs") as counted:
        found = search(directory, "studies")
        tune([found], counted.bench, TRIALS)
    return directory, found.study.tried()


def test_the_first_trial_has_the_published_defaults(finished: tuple[Path, list[Tried]]) -> None:
    first = finished[1][0]
    assert (first.values["a100.waiting"], first.values["tolerance"]) == (3.0, 0.1)
    assert len(finished[1]) == TRIALS


def test_a_finished_search_runs_nothing_and_a_longer_one_goes_on(
    finished: tuple[Path, list[Tried]], tmp_path: Path
) -> None:
    directory, tried = finished
    with Counted(directory / "runs") as counted:
        found = search(directory, "studies")
        tune([found], counted.bench, TRIALS)
        assert (counted.ran, found.study.tried()) == ([], tried)
        tune([found], counted.bench, TRIALS + 1)
        assert len(counted.ran) == len(found.scenario.seeds)
        assert found.study.tried()[:TRIALS] == tried


class _StoppedError(Exception):
    pass


def test_an_interrupted_search_ends_as_if_it_had_not_been(finished: tuple[Path, list[Tried]], tmp_path: Path) -> None:
    rounds = 0

    def stop(*_: object) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            raise _StoppedError

    with Counted(tmp_path / "runs") as counted:
        with pytest.raises(_StoppedError):
            tune([search(tmp_path, "studies")], counted.bench, TRIALS, stop)
        found = search(tmp_path, "studies")
        assert len(found.study.tried()) == BATCH
        tune([found], counted.bench, TRIALS)
    assert found.study.tried() == finished[1]


@pytest.mark.slow
def test_more_processes_find_the_same(finished: tuple[Path, list[Tried]], tmp_path: Path) -> None:
    with Counted(tmp_path / "runs", jobs=2) as counted:
        found = search(tmp_path, "studies")
        tune([found], counted.bench, BATCH)
    assert found.study.tried() == finished[1][:BATCH]


def test_the_chosen_options_are_a_file_for_compare(finished: tuple[Path, list[Tried]], tmp_path: Path) -> None:
    directory, tried = finished
    with Counted(directory / "runs") as counted:
        found = answer(search(directory, "studies"), counted.bench, 0.0)
    assert found.chosen == found.front[0] == non_dominated(tried)[0]
    file = write_answer(found, tmp_path)
    (contender,) = parse_contenders([f"hpa={file}"])
    assert contender.configuration()["tolerance"] == found.chosen.values["tolerance"]
    assert contender.configuration() == Contender("hpa", "hpa", found.options).configuration()
    most = max(trial.attainment for trial in tried)
    with Counted(directory / "runs") as counted:
        assert answer(search(directory, "studies"), counted.bench, 1.0).chosen.attainment == most


def test_only_what_has_parameters_can_be_tuned(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'static' has no parameters to tune: choose one of hpa"):
        open_search("static", small(tmp_path), tmp_path)

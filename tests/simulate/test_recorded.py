"""A run made again from its journal is the same run, or an error."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.record.builders import decide, growth, record
from tests.record.threshold import Threshold
from tests.simulate.fleets import server, variant
from tests.simulate.recordings import SEED, recorded
from tests.simulate.runs import Scripted, asked, setting
from wva.fleet.errors import UserError
from wva.record.reader import Journal
from wva.record.writer import JournalWriter
from wva.simulate.recorded import RecordedRun, open_run
from wva.simulate.run import simulate

REQUESTS = [(0.1 * i, 10, 30) for i in range(1, 60)]
GROWING = Scripted(script={"v": [(0, 1), (2, 3), (4, 2)]})


def test_every_request_meets_the_same_fate(tmp_path: Path) -> None:
    run_of = setting(variant(lowest=1, startup_s=1), servers={"v": server(max_num_seqs=2)}, crashes=[(3.3, "v")])
    first = simulate(run_of, asked(run_of, REQUESTS, 6), GROWING, SEED)
    with recorded(tmp_path, run_of, REQUESTS, GROWING, 6) as (_, again):
        assert np.array_equal(first.requests, again.requests)
        assert again.use == first.use


def test_a_fork_goes_on_as_the_run_did_and_leaves_it_alone(tmp_path: Path) -> None:
    run_of = setting(variant(lowest=1, startup_s=1), servers={"v": server(max_num_seqs=2)})
    with recorded(tmp_path, run_of, REQUESTS, GROWING, 6) as (run, result):
        until = int(result.requests["finish"][40])
        before = run.state_at(1.5, until)
        for _ in range(2):
            fork = before.fork(run.schedule([]))
            fork.run_until(until)
            own = fork.world.engines.requests
            ended = np.flatnonzero(own["finish"] >= 0)
            assert 40 in ended
            assert np.array_equal(own[ended], result.requests[ended])
        assert before.world.clock[0]["now"] < 1.5e12


def test_other_traffic_is_an_error(tmp_path: Path) -> None:
    run_of = setting(variant(lowest=1), servers={"v": server()})
    with recorded(tmp_path, run_of, REQUESTS) as (run, _):
        other = replace(run.workload, output_tokens=run.workload.output_tokens + 1)
        found = r"the run is another: at the decision at .*, observation\..* was .* and is"
        with pytest.raises(UserError, match=found):
            RecordedRun(run.journal, run.setting, other).make_again()


def test_a_live_fleet_has_no_requests_to_tell_of(tmp_path: Path) -> None:
    path = tmp_path / "live.journal"
    with JournalWriter(path, Threshold()) as writer:
        for decision in decide(Threshold(), growth()):
            writer.append(decision)
    with Journal(path) as journal, pytest.raises(UserError, match="is of a live fleet"):
        open_run(journal)


def test_a_journal_without_its_scenario_is_an_error(tmp_path: Path) -> None:
    path = record(tmp_path / "run.journal", list(decide(Threshold(), growth())))
    with Journal(path) as journal, pytest.raises(UserError, match="does not hold its scenario"):
        open_run(journal)

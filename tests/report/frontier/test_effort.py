"""How much is run, from how long a run takes."""

from pathlib import Path

import pytest

from tests.report.experiments.small import Counted
from tests.report.tiny import TINY, tiny
from wva.report.frontier.effort import Telling, effort, part_of
from wva.scenario.load import load_scenario


@pytest.mark.parametrize(
    ("run_s", "trials", "part"),
    [
        (0.1, 128, False),
        # 36 s hold 40 runs of 0.9 s.
        (0.9, 40, False),
        # 17 would be 2 rounds of 8; at least 3 are made.
        (2.1, 24, False),
        # A quarter of the window takes 1 s: 36 runs, in rounds of 8.
        (4.0, 32, True),
    ],
)
def test_trials_by_how_long_a_run_takes(run_s: float, trials: int, part: bool) -> None:
    found = effort([{"cpu_s": run_s}] * 3, seeds=5, trials=None)
    assert (found.trials, found.part) == (trials, part)
    assert found.startup_seeds == (1 if part else 5)
    assert effort([{"cpu_s": run_s}], seeds=5, trials=7).trials == 7


def test_tuning_sees_the_quarter_with_the_widest_range_of_load(tmp_path: Path) -> None:
    # The load of 100 s is even but for the steep rise from 60 s to 70 s.
    steep = TINY.replace("[[0s, 2], [60s, 40], [90s, 40]]", "[[0s, 2], [60s, 2], [70s, 80], [100s, 80]]")
    scenario = load_scenario(tiny(tmp_path, steep.replace("[90s, 3]", "[100s, 1]")))
    with Counted(tmp_path / "runs") as counted:
        (telling,) = counted.bench.outcomes([Telling(scenario, 1)])
    assert telling["duration_s"] == 25.0
    assert telling["start_s"] <= 62
    assert telling["start_s"] + 25 >= 69
    part = part_of(scenario, telling)
    assert {(entry.start, entry.duration) for entry in part.workload} == {(telling["start_s"], 25.0)}

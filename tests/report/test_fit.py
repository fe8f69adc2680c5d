from pathlib import Path

import pytest

from tests.report.tiny import TINY, tiny
from wva.fleet.errors import UserError
from wva.scenario.load import load_scenario
from wva.scenario.traffic import read_sources
from wva.simulate.fit import TARGET, fit_replicas


def test_the_traffic_needs_as_many_replicas_as_asked_for(tmp_path: Path) -> None:
    scenario = load_scenario(tiny(tmp_path))
    # More than the variant's max of 4: its bounds do not hold for the search.
    fit = fit_replicas(scenario, read_sources(scenario), 6)
    assert fit.attainment >= TARGET > fit.attainment_with_one_less
    assert (fit.variant, fit.replicas) == ("a100", 6)
    assert [entry.scale for entry in fit.scenario.workload] == [fit.factor, fit.factor]
    assert fit.scale == fit.factor > 1
    assert fit.scenario.variants == scenario.variants


def test_one_replica(tmp_path: Path) -> None:
    scenario = load_scenario(tiny(tmp_path))
    fit = fit_replicas(scenario, read_sources(scenario), 1)
    assert fit.attainment >= TARGET
    assert fit.attainment_with_one_less == 0


def test_objectives_out_of_reach_are_told(tmp_path: Path) -> None:
    scenario = load_scenario(tiny(tmp_path, TINY.replace("ttft: 1s", "ttft: 1ms")))
    with pytest.raises(UserError, match=r"no fleet attains 95%: .* only 0\.0% of the requests"):
        fit_replicas(scenario, read_sources(scenario), 2)


@pytest.mark.parametrize("replicas", [0, -3])
def test_impossible_sizes(tmp_path: Path, replicas: int) -> None:
    scenario = load_scenario(tiny(tmp_path))
    with pytest.raises(UserError, match="must be 1 or more"):
        fit_replicas(scenario, read_sources(scenario), replicas)

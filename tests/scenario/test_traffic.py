from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wva.fleet.errors import UserError
from wva.scenario.load import builtin_scenario, load_scenario, override, parse_scenario
from wva.scenario.schema import Scenario
from wva.scenario.traffic import burstiness, draw_traces, draw_workload, read_sources
from wva.workload.merge import Workload
from wva.workload.trace import Trace

SHARED = Path(__file__).parents[3] / "shared" / "scenarios"

MODELS = """
name: traffic
models:
  idle: {shape: s, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}
  m: {shape: s, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}
  n: {shape: s, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}
variants:
  - {name: u, model: idle, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, initial: 1}
  - {name: v, model: m, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, initial: 1}
  - {name: w, model: n, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, initial: 1}
"""

DRAWN = (
    "{model: n, synthetic: {arrivals: poisson, rate: [[0s, 5], [100s, 5]],"
    " input_tokens: {constant: 9}, output_tokens: {constant: 8}}}"
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    count = 200
    pl.DataFrame(
        {"arrival_s": np.arange(count) / 2, "input_tokens": np.arange(1, count + 1), "output_tokens": np.full(count, 5)}
    ).write_parquet(tmp_path / "t.parquet")
    return tmp_path


def scenario_of(directory: Path, *entries: str) -> Scenario:
    workload = "\n".join(f"  - {entry}" for entry in entries)
    return parse_scenario(f"{MODELS}workload:\n{workload}\n", "f.yaml", directory)


def same(a: Workload, b: Workload) -> bool:
    columns = ("arrival_ps", "model", "input_tokens", "output_tokens")
    return all(np.array_equal(getattr(a, column), getattr(b, column)) for column in columns)


def test_every_entry_has_its_window_scale_and_model(directory: Path) -> None:
    scenario = scenario_of(
        directory, "{model: m, trace: t.parquet, scale: 2, jitter: 5s, start: 50s, duration: 20s}", DRAWN
    )
    workload = draw_workload(scenario, read_sources(scenario), seed=1)
    assert workload.models == ("idle", "m", "n")
    assert workload.window_s == 100.0
    of_m = workload.model == 1
    assert sorted(workload.input_tokens[of_m].tolist()) == sorted(2 * list(range(101, 141)))
    assert workload.arrival_ps[of_m].max() < 20 * 10**12
    assert set(workload.input_tokens[workload.model == 2].tolist()) == {9}
    assert np.sum(workload.model == 2) == pytest.approx(500, abs=100)


def test_same_seed_same_traffic_and_other_seed_other_traffic(directory: Path) -> None:
    scenario = scenario_of(directory, "{model: m, trace: t.parquet, scale: 1.5, jitter: 5s}", DRAWN)
    sources = read_sources(scenario)
    first = draw_workload(scenario, sources, seed=1)
    assert same(first, draw_workload(scenario, read_sources(scenario), seed=1))
    assert not same(first, draw_workload(scenario, sources, seed=2))


def test_an_entry_has_the_same_traffic_whatever_comes_after_it(directory: Path) -> None:
    entry = "{model: m, trace: t.parquet, scale: 1.5, jitter: 5s}"
    alone, beside = scenario_of(directory, entry), scenario_of(directory, entry, DRAWN, entry)
    (first,) = draw_traces(alone, read_sources(alone), seed=3)
    again, _, third = draw_traces(beside, read_sources(beside), seed=3)
    assert np.array_equal(first.arrival_s, again.arrival_s)
    assert not np.array_equal(first.arrival_s[:50], third.arrival_s[:50])


def test_a_trace_named_twice_is_read_once(directory: Path) -> None:
    entry = "{model: m, trace: t.parquet}"
    scenario = scenario_of(directory, entry, entry, "{model: n, trace: t.parquet, start: 1s}")
    first, second, third = read_sources(scenario)
    assert first is second
    assert isinstance(third, Trace)
    assert len(third) == 198


def test_scale_multiplies_a_synthetic_rate_and_a_window_cuts_it(directory: Path) -> None:
    scenario = override(scenario_of(directory, DRAWN), scale=10.0, start_s=50.0, duration_s=20.0)
    workload = draw_workload(scenario, read_sources(scenario), seed=1)
    assert workload.window_s == 20.0
    assert len(workload) == pytest.approx(1000, abs=150)
    assert len(np.unique(workload.arrival_ps)) == len(workload)


def test_superposing_smooths_and_says_how_much(directory: Path) -> None:
    burst = directory / "burst.parquet"
    pl.DataFrame(
        {"arrival_s": [0.0, *np.linspace(50, 51, 98), 99.5], "input_tokens": [1] * 100, "output_tokens": [1] * 100}
    ).write_parquet(burst)
    scenario = scenario_of(directory, "{model: m, trace: burst.parquet, scale: 20, jitter: 100s}", DRAWN)
    traced, drawn = burstiness(scenario, read_sources(scenario), seed=1)
    assert traced.source == pytest.approx(9.8)
    assert traced.superposed < 5
    assert drawn.source == drawn.superposed


def test_no_request_at_all_is_refused(directory: Path) -> None:
    scenario = scenario_of(directory, "{model: m, trace: t.parquet, scale: 0.0001}")
    sources = read_sources(scenario)
    with pytest.raises(UserError, match=r"^scenario f\.yaml: workload: no request arrives with seed 1; raise scale"):
        draw_workload(scenario, sources, seed=1)


def test_a_missing_trace_names_itself(directory: Path) -> None:
    scenario = scenario_of(directory, "{model: m, trace: none.parquet}")
    with pytest.raises(UserError, match=r"^trace .*none\.parquet: no such file"):
        read_sources(scenario)


def test_the_builtin_traffic_is_quiet_then_bursts_then_is_silent() -> None:
    scenario = builtin_scenario()
    workload = draw_workload(scenario, read_sources(scenario), seed=1)
    per_minute = np.bincount(workload.arrival_ps // (60 * 10**12), minlength=30) / 60
    assert workload.window_s == 1800.0
    assert per_minute[:2].max() < 4
    assert per_minute[[12, 20]] == pytest.approx(70, rel=0.1)
    assert per_minute[14:20] == pytest.approx(40, rel=0.2)
    assert per_minute[22:26] == pytest.approx(40, rel=0.2)
    assert per_minute[27:].max() == 0


def test_the_fixed_examination_draws_whole() -> None:
    path = SHARED / "azure-code.yaml"
    if not path.exists() or not (SHARED.parent / "traces" / "AzureLLMInferenceTrace_code.csv").exists():
        pytest.skip("the shared scenarios and traces are not beside the repository")
    scenario = load_scenario(path)
    workload = draw_workload(scenario, read_sources(scenario), seed=1)
    assert len(workload) == 5 * 8819
    assert workload.window_s == 3436.0

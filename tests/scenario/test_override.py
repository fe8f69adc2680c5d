from pathlib import Path
from typing import Any

import pytest

from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.scenario.load import builtin_scenario, override, parse_scenario

TEXT = """
name: two
workload: [{model: m, trace: a.csv, scale: 3, jitter: 100ms}, {model: m, trace: b.csv, start: 5m}]
models: {m: {shape: s, precision: bf16, objectives: {ttft: 2s, tpot: 100ms}}}
variants: [{name: v, model: m, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, initial: 1}]
nodes: [{accelerator: A100-80GB, gpus: 8, count: 2}]
crashes: [{at: 10m, variant: v}]
seeds: [1, 2]
"""

SCENARIO = parse_scenario(TEXT, "dir/f.yaml", Path("dir"))


@pytest.mark.parametrize("scenario", [SCENARIO, builtin_scenario()])
def test_nothing_replaced_is_the_same_scenario(scenario: Any) -> None:
    assert override(scenario) == scenario
    assert override(scenario).source == scenario.source


def test_each_value_replaces_its_own() -> None:
    changed = override(
        SCENARIO, trace=Path("c.csv"), scale=0.5, seeds=[7], queue=Queue.GATEWAY, start_s=0.001, duration_s=90.0
    )
    assert [entry.trace for entry in changed.workload] == [Path("c.csv"), Path("dir/b.csv")]
    assert [(entry.scale, entry.start, entry.duration) for entry in changed.workload] == [(0.5, 0.001, 90.0)] * 2
    assert (changed.seeds, changed.gateway.queue) == ((7,), Queue.GATEWAY)
    assert [entry.jitter for entry in changed.workload] == [0.1, 0.0]
    assert SCENARIO.seeds == (1, 2)
    assert (changed.models, changed.variants, changed.crashes) == (SCENARIO.models, SCENARIO.variants, SCENARIO.crashes)


def test_a_trace_takes_the_place_of_synthetic_traffic() -> None:
    entry = override(builtin_scenario(), trace=Path("c.csv")).workload[0]
    assert (entry.trace, entry.synthetic) == (Path("c.csv"), None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scale": 0.0}, "workload[0].scale: must be greater than 0"),
        ({"scale": float("nan")}, "workload[0].scale: must be a finite number"),
        ({"seeds": []}, "seeds: must have 1 or more entries"),
        ({"seeds": [1, 1]}, "seeds[1]: 1 is there already"),
        ({"queue": "nowhere"}, "gateway.queue: must be 'engine' or 'gateway'"),
        ({"start_s": -1.0}, "workload[0].start: must be a duration"),
        ({"start_s": 1800.0}, "workload[0].start: is 1800s, at or after the end of rate"),
        ({"duration_s": 0.0}, "workload[0].duration: must be greater than 0"),
    ],
)
def test_an_impossible_value_is_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as error:
        override(builtin_scenario(), **change)
    assert str(error.value).startswith(f"scenario builtin: {says}")

"""The report of a driven load: over all that was sent, in the workload's time, in the schema of a comparison."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.model import Model, Objectives
from wva.report.comparison import Comparison
from wva.report.comparison import as_results as comparison_results
from wva.report.driven import Driven, Source, as_results, score_driven
from wva.workload.driver.seen import Seen
from wva.workload.merge import Workload


def model(name: str) -> Model:
    return Model(name, "default", "s", "bf16", Objectives(ttft_s=2.0, tpot_s=0.1), 3)


def driven(*requests: tuple[float, float | None, float, int, str], speed: float = 1.0, models: int = 1) -> Driven:
    """Requests as (due, first token, end, tokens, outcome), in seconds of the clock, each of 11 tokens asked."""
    due, first, end, tokens, outcome = zip(*requests, strict=True)
    count = len(requests)
    times = np.array(due, np.float64)
    seen = Seen(
        due_s=times,
        sent_s=times + 0.001,
        first_s=np.array([np.nan if value is None else value for value in first], np.float64),
        end_s=np.array(end, np.float64),
        tokens=np.array(tokens, np.int64),
        outcome=list(outcome),
    )
    workload = Workload(
        arrival_ps=np.rint(times * speed * PICOSECONDS).astype(np.int64),
        model=(np.arange(count) % models).astype(np.int16),
        input_tokens=np.full(count, 5, np.int32),
        output_tokens=np.full(count, 11, np.int32),
        blocks=None,
        models=tuple(f"m{n}" for n in range(models)),
        window_s=100.0,
    )
    sources = (Source("m0", "synthetic", 1.0, 0.0, 0.0),)
    served = tuple(model(name) for name in workload.models)
    return Driven("tiny", sources, served, workload, seen, "http://x", speed, 1, 100.0)


MET = (0.0, 1.0, 2.5, 11, "completed")
"""1 s to the first token, and ten more in 1.5 s: 2.5 s in all, where 3 s are promised."""
LATE = (1.0, 3.5, 4.0, 11, "completed")
REFUSED = (2.0, None, 2.1, 0, "http_429")
BROKEN = (3.0, 3.5, 3.7, 2, "broken")
SHORT = (4.0, 4.5, 5.0, 6, "completed")


def test_failed_requests_count_in_every_share() -> None:
    numbers = score_driven(driven(MET, LATE, REFUSED, BROKEN, SHORT))
    assert (numbers["offered"], numbers["completed"], numbers["met"], numbers["truncated"]) == (5, 3, 2, 1)
    assert numbers["failed"] == {"broken": 1, "http_429": 1, "sum": 2}
    assert numbers["attainment"] == 0.4
    # 0.15 s a token on average is above the strict objective, 0.1 s for the five further ones of the short is not.
    assert numbers["attainment_strict"] == 0.2
    assert numbers["ttft_s"] == {"p50": 0.5, "p90": 2.5, "p99": 2.5, "count": 4}
    assert numbers["e2e_s"]["p50"] == 2.5
    assert numbers["effective_throughput_rps"] == 0.02
    assert numbers["end_s"] == 5.0
    assert numbers["cost"] is numbers["attainable"] is None


@pytest.mark.parametrize("speed", [2.0, 8.0])
def test_a_load_played_faster_has_the_same_report(speed: float) -> None:
    played = [
        (due / speed, None if first is None else first / speed, end / speed, tokens, outcome)
        for due, first, end, tokens, outcome in (MET, LATE, REFUSED, BROKEN, SHORT)
    ]
    numbers, slow = score_driven(driven(*played, speed=speed)), score_driven(driven(MET, LATE, REFUSED, BROKEN, SHORT))
    assert numbers.pop("wall_seconds") == 5.0 / speed
    assert slow.pop("wall_seconds") == 5.0
    assert numbers == slow


def test_models_are_told_apart() -> None:
    by_model = score_driven(driven(MET, LATE, REFUSED, SHORT, models=2))["by_model"]
    assert {name: (part["offered"], part["met"], part["priority"]) for name, part in by_model.items()} == {
        "m0": (2, 1, 3),
        "m1": (2, 1, 3),
    }
    assert by_model["m0"]["failed"] == {"http_429": 1, "sum": 1}


def test_the_driver_says_how_late_it_was() -> None:
    late = driven(MET, LATE, SHORT)
    late = replace(late, seen=replace(late.seen, sent_s=late.seen.due_s + np.array([0.0, 0.25, 0.01])))
    found = as_results(late)["lateness_s"]
    assert found == pytest.approx({"p50": 0.01, "p90": 0.25, "p99": 0.25, "max": 0.25, "count": 3})


def test_the_schema_is_that_of_a_comparison(compared: tuple[Comparison, Path]) -> None:
    ours, theirs = as_results(driven(MET, LATE)), comparison_results(compared[0])
    assert set(ours) == set(theirs) | {"lateness_s"}
    (live,), one = ours["policies"].values(), next(iter(theirs["policies"].values()))
    assert set(live) == set(one)
    assert set(live["median"]) == set(one["median"])
    assert set(live["seeds"][0]) >= set(one["seeds"][0]) - {"bound", "found"}
    assert set(ours["workload"][0]) == set(theirs["workload"][0]) == set(asdict(Source("m", "s", 1.0, 0.0, 0.0)))
    json.dumps(ours, allow_nan=False)

"""What others published, simulated: the scenarios run, the targets that hold are held, the numbers are read right."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench.published import __main__ as command
from bench.published import episode, tables
from bench.published.cases import BENCHMARK, BURSTY, HPA, LOADS, PAPER, QUESTIONS, SCENARIOS, STATIC, Published, Row
from bench.published.knee import Stage, at_rate, knee, peak
from bench.published.measure import Measured, measured, replicas_at_scrapes, run, run_all
from bench.published.paper import Outcome, against_hpa

from tests.report.results import requests
from tests.report.results import run as finished
from wva.engine.batch.state import FIRST_TOKEN_TIMEOUT, INCOMPLETE, QUEUE_TIMEOUT
from wva.policies.registry import make
from wva.report.contenders import parse_contenders
from wva.scenario.load import load_scenario, override
from wva.simulate.result import RunResult
from wva.simulate.run import prepare

FILES = sorted([*(SCENARIOS / "published").glob("*.yaml"), *(SCENARIOS / "paper").glob("*.yaml")])


def row_of(load: str, name: str) -> Row:
    return next(row for row in BENCHMARK if (row.load, row.name) == (load, name))


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_scenario_runs(file: Path) -> None:
    scenario = load_scenario(file)
    assert scenario.name == file.stem
    result = run(override(scenario, duration_s=30.0), "static")
    assert len(result.requests) > 10


def test_every_row_has_a_scenario_and_a_policy() -> None:
    assert {path.stem for path in FILES} == {*LOADS, "bursty", "slo-aware", *PAPER}
    for row in [*BENCHMARK, *QUESTIONS, BURSTY]:
        prepare(row.scenario())
        text = row.policy if row.options_file is None else f"{row.policy}={row.options_file}"
        (contender,) = parse_contenders([text])
        assert make(contender.policy, contender.options).name == row.policy


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", [STATIC, HPA])
def test_targets_that_hold(load: str, name: str) -> None:
    row = row_of(load, name)
    assert row.published is not None
    found = measured(run_all(row.scenario(), row.policy, row.options_file))
    assert tables.judged(replace(row, target=True), row.published, found) == ["met"]
    # Nothing but the end of the run cuts an answer short, and as many are outstanding then as clients may have.
    assert (found.errors, found.incomplete) == (0, 512)
    assert found.p99_itl_ms == pytest.approx(row.published.p99_itl_ms, rel=0.15)


def test_a_replica_of_two_gpus_is_not_what_was_measured() -> None:
    question = next(row for row in QUESTIONS if row.load == "prefill-heavy" and "two GPUs" in row.name)
    assert question.scenario().variants[0].tensor_parallel == 2
    found = measured(run_all(question.scenario(), question.policy))
    assert found.p99_ttft_s is not None
    assert found.p99_ttft_s < 0.5 * 555.3


def test_the_slo_aware_episode() -> None:
    found = episode.run_episodes()
    assert found["static 8"].attainment > 0.999
    assert found["slo-law"].attainment == pytest.approx(0.958, abs=0.05)
    assert found["slo-law"].mean_replicas == pytest.approx(5.93, abs=1.0)


def test_what_is_read_from_a_run() -> None:
    # In a window of 100 s: two answers in time, one after the end, two failures, one unfinished. The percentile is of
    # the three that completed: 1, 4 and 2 s. Between tokens there are 0.1, 0.25 and 0.5 s.
    result = finished(
        requests((0.0, 1.0, 2.0, 11), (10.0, 14.0, 16.0, 9), (90.0, 92.0, 101.0, 19)),
        requests((20.0, None, 80.0, 0), status=QUEUE_TIMEOUT),
        requests((21.0, None, 81.0, 0), status=FIRST_TOKEN_TIMEOUT),
        requests((70.0, 80.0, 100.0, 0), status=INCOMPLETE),
        window_s=100.0,
    )
    found = measured([result, result])
    assert found.p99_ttft_s == 4.0
    assert found.p99_itl_ms == pytest.approx(500.0)
    assert (found.sent, found.completed, found.errors, found.incomplete) == (6, 3, 2, 1)
    assert found.output_tokens_per_s == pytest.approx((11 + 9) / 100)
    # 6 h and 1 h of ready replicas in 110 s of run.
    assert found.mean_replicas == pytest.approx(7 * 3600 / 110)
    assert found.most_replicas == 2.0
    nothing = measured([finished(requests((0.0, None, 60.0, 0), status=QUEUE_TIMEOUT))])
    assert (nothing.p99_ttft_s, nothing.errors) == (None, 1)


def with_replicas(result: RunResult, times: list[float], starting: list[int], ready: list[int]) -> RunResult:
    """The run with those replicas of its first variant, and none of the second."""
    counts = np.zeros((len(times), 2, 4), np.int32)
    counts[:, 0, 1], counts[:, 0, 2] = starting, ready
    return replace(result, timeline=replace(result.timeline, time_s=np.array(times), replicas=counts))


def test_ordered_are_all_that_are_not_draining() -> None:
    result = with_replicas(finished(requests((0.0, 1.0, 2.0, 3))), [5.0, 10.0], [1, 0], [2, 3])
    ordered, ready = replicas_at_scrapes(result)
    assert (ordered.tolist(), ready.tolist()) == ([3, 3], [2, 3])


def test_an_episode_ends_when_the_pool_has_drained_after_the_load() -> None:
    # The variants' minimum of 1 each makes a floor of 2; the last request comes at 20 s. At 5 s it is at the floor too.
    result = finished(requests((0.0, 1.0, 2.0, 3), (20.0, 21.0, 22.0, 3)))
    drained = with_replicas(result, [5.0, 15.0, 25.0, 35.0, 45.0], [0] * 5, [2, 6, 6, 2, 2])
    assert episode.mean_until_drained(drained) == (2 + 6 + 6 + 2) / 4
    never = with_replicas(result, [5.0, 15.0, 25.0, 35.0], [0] * 4, [3, 6, 6, 3])
    assert episode.mean_until_drained(never) == 4.5


NUMBERS = Measured(100.0, 50.0, 2.0, 3.0, 10.0, 5.0, 4.0, 1.0, 100.0)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (NUMBERS, ["met"]),
        (replace(NUMBERS, p99_ttft_s=129.9, mean_replicas=3.0, most_replicas=4.0), ["met"]),
        (replace(NUMBERS, p99_ttft_s=131.0), ["P99 TTFT not met"]),
        (replace(NUMBERS, p99_ttft_s=None), ["P99 TTFT not met"]),
        (replace(NUMBERS, mean_replicas=0.9, most_replicas=1.9), ["mean replicas not met", "most replicas not met"]),
    ],
)
def test_targets(found: Measured, verdict: list[str]) -> None:
    was = Published(100.0, 50.0, 2.0, 3, 0)
    assert tables.judged(Row("load", "row", "static", was, target=True), was, found) == verdict
    if verdict == ["P99 TTFT not met"]:
        assert tables.judged(Row("load", "row", "static", was), was, found) == ["met"], "it has no target"


def test_knee_and_peak() -> None:
    stages = tuple(
        Stage(rate, replace(NUMBERS, p99_ttft_s=ttft, output_tokens_per_s=tokens))
        for rate, ttft, tokens in [(0.5, 0.2, 50.0), (1.0, 1.9, 90.0), (2.0, 2.1, 120.0), (4.0, 60.0, 110.0)]
    )
    found = knee(stages)
    assert found is not None
    assert (found.rate, peak(stages).rate) == (2.0, 2.0)
    assert knee(stages[:2]) is None
    assert [at_rate("symmetrical", 2.0, gpus).variants[0].tensor_parallel for gpus in (1, 2)] == [1, 2]
    (entry,) = at_rate("symmetrical", 2.0).workload
    assert entry.synthetic is not None
    assert entry.synthetic.rate == ((0.0, 2.0), (300.0, 2.0))


def test_against_hpa() -> None:
    result = finished(requests((0.0, 1.0, 2.0, 3)))
    hpa = Outcome(10.0, 100.0, 0.5, 1.0, 1.0, (1.0,), None, None, result)
    less = replace(hpa, effective_throughput_rps=15.0, failed=10.0)
    found = {"hpa": hpa, "less": less, "none": replace(hpa, failed=0.0)}
    assert against_hpa(found, "less") == (1.5, 10.0)
    assert against_hpa(found, "none") == (1.0, float("inf"))


PAGE = "# Prose\n\n<!-- numbers: a -->\nold\nlines\n<!-- end -->\n\nmore prose\n<!-- numbers: b -->\n<!-- end -->\n"


def test_tables_are_put_into_their_places_and_nothing_else_changes() -> None:
    page = tables.put(PAGE, {"a": "| new |\n", "b": "| b \\1 |\n"})
    assert page == (
        "# Prose\n\n<!-- numbers: a -->\n\n| new |\n\n<!-- end -->\n\nmore prose\n<!-- numbers: b -->\n\n"
        "| b \\1 |\n\n<!-- end -->\n"
    )
    assert tables.put(page, {"a": "| new |\n", "b": "| b \\1 |\n"}) == page
    with pytest.raises(ValueError, match="places for \\['a', 'b'\\]"):
        tables.put(PAGE, {"a": "x"})


@pytest.mark.slow
def test_the_command_writes_figures_and_fills_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prose = (command.DOCS / "published.md").read_text(encoding="utf-8")
    monkeypatch.setattr(command, "DOCS", tmp_path)
    (tmp_path / "published.md").write_text(prose, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["published", "--out", str(tmp_path / "out")])
    command.main()
    for name in command.FIGURES:
        assert (tmp_path / name).stat().st_size > 10_000
    page = (tmp_path / "published.md").read_text(encoding="utf-8")
    assert "| prefill-heavy, static 2 | 555.3 → " in page
    assert page.split("<!-- numbers:")[0] == prose.split("<!-- numbers:")[0]

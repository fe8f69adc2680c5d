"""Scores of requests worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tests.report.results import MODEL, SLOW_MODEL, Row, requests, run
from wva.engine.batch.state import (
    ACTIVE,
    COMPLETED,
    CRASHED,
    FIRST_TOKEN_TIMEOUT,
    INCOMPLETE,
    QUEUE_TIMEOUT,
    TOO_LONG,
    TOTAL_TIMEOUT,
    TRUNCATED,
)
from wva.report.score import score, with_wall
from wva.simulate.met import count_met

PS = 1e-12


@pytest.mark.parametrize(
    ("row", "met", "strict"),
    [
        pytest.param((5.0, 6.0, 7.0, 11), True, True, id="well in time"),
        pytest.param((5.0, 7.0, 8.0, 11), True, True, id="both exactly on the objective"),
        pytest.param((5.0, 7.0 + PS, 7.5, 11), False, False, id="first token a picosecond late"),
        pytest.param((5.0, 7.0, 8.0 + PS, 11), False, False, id="last token a picosecond late"),
        pytest.param((5.0, 5.5, 8.0, 11), True, False, id="slow tokens after a quick first"),
        pytest.param((5.0, 7.0, 7.0, 1), True, True, id="one token, on the objective"),
        pytest.param((5.0, 7.0 + PS, 7.0 + PS, 1), False, False, id="one token, late"),
        pytest.param((5.0, 5.0, 5.0, 1), True, True, id="at once"),
    ],
)
def test_met_and_strict(row: Row, met: bool, strict: bool) -> None:
    scored = score(run(requests(row)))
    assert (scored.met, scored.attainment, scored.attainment_strict) == (met, float(met), float(strict))
    assert count_met(requests(row), [MODEL]) == met


def test_an_answer_cut_short_counts_with_the_tokens_it_has() -> None:
    within = requests((0.0, 2.0, 3.0, 11), status=TRUNCATED, wanted=500)
    late = requests((0.0, 2.0, 3.5, 11), status=TRUNCATED, wanted=500)
    scored = score(run(within, late))
    assert (scored.completed, scored.truncated, scored.met, scored.failed["sum"]) == (2, 2, 1, 0)


def test_each_model_has_its_own_objectives() -> None:
    row = (0.0, 5.0, 6.0, 2)
    scored = score(run(requests(row, model=0), requests(row, model=1), models=(MODEL, SLOW_MODEL)))
    assert scored.met == 1


def test_several_models_are_also_scored_apart() -> None:
    urgent = replace(SLOW_MODEL, priority=7)
    result = run(
        requests((0.0, 1.0, 1.5, 3), (700.0, 705.0, 706.0, 2), model=0),
        requests((1.0, 5.0, 6.0, 2), (2.0, 6.0, 7.0, 2), (3.0, 5.0, 6.0, 2), model=1),
        requests((4.0, None, 64.0, 0), status=FIRST_TOKEN_TIMEOUT, model=1),
        models=(MODEL, urgent),
    )
    scored = score(result)
    assert list(scored.by_model) == ["llama", "qwen"]
    llama, qwen = scored.by_model.values()
    assert (llama.priority, llama.offered, llama.met, llama.attainment, llama.failed["sum"]) == (0, 2, 1, 0.5, 0)
    assert (qwen.priority, qwen.offered, qwen.met, qwen.attainment, qwen.failed["sum"]) == (7, 4, 3, 0.75, 1)
    assert (llama.attainment_after_600s, qwen.attainment_after_600s) == (0.0, None)
    assert (qwen.ttft_s.p50, qwen.ttft_s.p99, qwen.ttft_s.count) == (4.0, 4.0, 3)
    assert (llama.met + qwen.met, llama.completed + qwen.completed) == (scored.met, scored.completed)
    assert score(run(requests((0.0, 1.0, 1.5, 3)))).by_model == {}


def test_failures_by_reason() -> None:
    result = run(
        requests((0.0, 1.0, 1.5, 3)),
        requests((1.0, None, 1.0, 0), (2.0, None, 2.0, 0), status=TOO_LONG),
        requests((3.0, None, 63.0, 0), status=FIRST_TOKEN_TIMEOUT),
        # In time, had they ended well.
        requests((4.0, 5.0, 5.1, 2), (5.0, 6.0, 6.1, 2), (6.0, 7.0, 7.1, 2), status=TOTAL_TIMEOUT),
        requests((7.0, 8.0, 8.1, 2), status=CRASHED),
        requests((8.0, None, 68.0, 0), (9.0, None, 69.0, 0), status=QUEUE_TIMEOUT),
        requests((60.0, 61.0, 70.0, 0), status=INCOMPLETE),
    )
    scored = score(result)
    by_reason = {"too_long": 2, "first_token_timeout": 1, "total_timeout": 3, "crash": 1, "queue_timeout": 2}
    assert scored.failed == {**by_reason, "incomplete": 1, "sum": 10}
    assert (scored.offered, scored.completed, scored.met) == (11, 1, 1)
    # Whoever got a first token counts there, however it went on.
    assert (scored.ttft_s.count, scored.tpot_s.count, scored.e2e_s.count) == (6, 1, 1)


def test_a_forgotten_request_is_an_error() -> None:
    with pytest.raises(AssertionError):
        score(run(requests((0.0, None, -1e-12, 0), status=ACTIVE)))


def test_percentiles_of_those_that_got_there() -> None:
    rows: list[Row] = [(float(n), n + 0.01 * (n + 1), n + 0.01 * (n + 1) + 1.0, 11) for n in range(100)]
    scored = score(run(requests(*rows), requests((200.0, 200.5, 200.5, 1))))
    assert scored.ttft_s.p50 == pytest.approx(0.5)
    assert scored.ttft_s.p90 == pytest.approx(0.9)
    assert scored.ttft_s.p99 == pytest.approx(0.99)
    assert scored.ttft_s.count == 101
    # One token has no time between tokens.
    assert scored.tpot_s.count == 100
    assert scored.tpot_s.p50 == pytest.approx(0.1)
    assert scored.e2e_s.p99 == pytest.approx(1.99)


def test_what_is_unknown_is_none() -> None:
    scored = score(run(requests((0.0, None, 0.0, 0), status=TOO_LONG), decision_s=()))
    for figures in (scored.ttft_s, scored.tpot_s, scored.e2e_s):
        assert (figures.p50, figures.p90, figures.p99, figures.count) == (None, None, None, 0)
    assert (scored.decision_ms.p50, scored.decision_ms.p99) == (None, None)
    assert scored.attainment_after_600s is None
    assert scored.attainment == 0


def test_requests_after_the_start_are_scored_apart() -> None:
    early = requests((0.0, 5.0, 5.0, 1), (599.999, 605.0, 605.0, 1))
    late = requests((600.0, 601.0, 601.0, 1), (700.0, 705.0, 705.0, 1), (800.0, 801.0, 801.0, 1))
    scored = score(run(early, late))
    assert scored.attainment_after_600s == pytest.approx(2 / 3)
    assert scored.attainment == pytest.approx(2 / 5)


def test_what_it_cost() -> None:
    scored = score(run(requests((0.0, 1.0, 1.0, 1), (1.0, 9.0, 9.0, 1)), attainable=1))
    assert scored.replica_hours == {"a100": 8.0, "h100": 2.0}
    assert scored.gpu_hours == 8 * 1 + 2 * 2
    assert scored.cost == pytest.approx(8 * 1.8 + 2 * 6)
    assert scored.cost_ready_only == pytest.approx(6 * 1.8 + 1 * 6)
    assert (scored.scale_ups, scored.scale_downs) == (4, 3)
    assert scored.attainable == 0.5
    assert scored.effective_throughput_rps == pytest.approx(1 / 1000)
    assert scored.decision_ms.p50 == pytest.approx(1.0)
    assert scored.decision_ms.p99 == pytest.approx(3.0)


def test_time_that_the_run_took() -> None:
    scored = with_wall(score(run(requests((0.0, 1.0, 1.0, 1)))), 4.0)
    assert (scored.wall_seconds, scored.simulated_requests_per_second) == (4.0, 0.25)


def test_scoring_changes_nothing() -> None:
    result = run(requests(*[(float(n), n + 1.0, n + 2.0, 5) for n in range(50)]))
    before = result.requests.copy()
    assert score(result) == score(result)
    assert np.array_equal(before, result.requests)
    assert before["status"][0] == COMPLETED

"""Each miss has one cause: requests made by hand, of a model that promises a TTFT of 2 s and 100 ms per token."""

from dataclasses import replace

import numpy as np

from tests.report.results import MODEL, SLOW_MODEL, requests, run
from wva.engine.batch.state import CRASHED, FIRST_TOKEN_TIMEOUT, INCOMPLETE, QUEUE_TIMEOUT, TOTAL_TIMEOUT
from wva.report.causes import CAUSES, misses_by_cause
from wva.simulate.result import RunResult


def causes(result: RunResult) -> dict[str, int]:
    found = misses_by_cause(result)
    assert list(found) == list(CAUSES)
    return {cause: count for cause, count in found.items() if count}


def starting(result: RunResult, from_s: float, until_s: float) -> RunResult:
    """The run with a replica of the first variant starting at the scrapes, every 5 s, of that span."""
    times = np.arange(0.0, 100.0, 5.0)
    replicas = np.zeros((len(times), 2, 4), np.int32)
    replicas[(times >= from_s) & (times < until_s), 0, 1] = 1
    return replace(result, timeline=replace(result.timeline, time_s=times, replicas=replicas))


def test_what_was_met_has_no_cause() -> None:
    assert causes(run(requests((0.0, 2.0, 2.9, 10)))) == {}


def test_failures_by_what_ended_them() -> None:
    parts = [
        requests((1.0, None, 61.0, 0), status=FIRST_TOKEN_TIMEOUT),
        requests((2.0, 3.0, 9.0, 4), (2.5, 3.0, 9.0, 4), status=TOTAL_TIMEOUT),
        requests((4.0, 5.0, 9.0, 4), status=CRASHED),
        requests((5.0, None, 65.0, 0), status=QUEUE_TIMEOUT),
        # One that was in time as far as it got, and one that had not begun.
        requests((90.0, 91.0, 99.0, 4), (95.0, None, 99.0, 0), status=INCOMPLETE),
    ]
    by_cause = {"crash": 1, "first_token_timeout": 1, "total_timeout": 2, "queue_timeout": 1, "incomplete": 2}
    assert causes(run(*parts)) == by_cause


def test_late_requests_by_what_was_coming_when_they_came() -> None:
    # A replica starts at the scrapes of 10 s and 15 s: what comes from 10 s until before 20 s finds one coming.
    late = requests(*((at, at + 2.5, at + 2.5, 1) for at in (9.9, 10.0, 19.9, 20.0)))
    assert causes(starting(run(late), 10.0, 20.0)) == {"late_while_starting": 2, "late_otherwise": 2}


def test_replicas_of_another_model_do_not_count() -> None:
    late = requests((12.0, 23.0, 23.0, 1), model=1)
    assert causes(starting(run(late, models=(MODEL, SLOW_MODEL)), 10.0, 20.0)) == {"late_otherwise": 1}


def test_slow_tokens_are_those_of_a_request_that_began_in_time() -> None:
    # 9 gaps of 100 ms after a first token by 2 s: until 2.9 s.
    assert causes(run(requests((0.0, 1.0, 2.95, 10)))) == {"slow_tokens": 1}


def test_what_no_empty_replica_meets_is_nobodys_fault() -> None:
    parts = requests((0.0, 9.0, 9.0, 1), (1.0, 9.0, 9.0, 1))
    assert causes(run(parts, attainable=1)) == {"out_of_reach": 1, "late_otherwise": 1}

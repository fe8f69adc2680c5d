"""Why requests were missed: each that was not met has one cause.

The cause is the first of ``CAUSES`` that holds, from what a finished request says and from the fleet at the newest
scrape before the request came. A request is late when its first token came after the TTFT objective.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import (
    CRASHED,
    FIRST_TOKEN_TIMEOUT,
    INCOMPLETE,
    PICOSECONDS,
    QUEUE_TIMEOUT,
    TOTAL_TIMEOUT,
)
from wva.engine.compiled import entry_point
from wva.simulate.met import is_met, objectives_ps
from wva.simulate.result import PHASES, RunResult

CAUSES = {
    "out_of_reach": "not even an empty replica would have met it; prompts too long for any replica are among these",
    "crash": "its replica crashed",
    "first_token_timeout": "it failed without a first token in time",
    "total_timeout": "it failed without its last token in time",
    "queue_timeout": "the gateway dropped it from its queue",
    "incomplete": "it was unfinished when its client left at the end of the window",
    "late_while_starting": "late, and replicas of its model were pending or starting when it came",
    "late_otherwise": "late, and none were: more was not ordered yet, or what was ready did not serve it in time",
    "slow_tokens": "not late, but the last token was",
}
"""What each cause means."""
_OUT_OF_REACH, _CRASH, _FIRST, _TOTAL, _QUEUE, _INCOMPLETE, _LATE_WHILE_STARTING, _LATE, _SLOW = range(len(CAUSES))
_COMING = tuple(PHASES.index(phase) for phase in ("pending", "starting"))


def misses_by_cause(result: RunResult) -> dict[str, int]:
    """How many requests of a run were missed for each cause."""
    timeline = result.timeline
    coming = np.zeros((len(timeline.time_s), len(result.models)), np.bool_)
    for index, model in enumerate(result.models):
        own = [position for position, variant in enumerate(result.variants) if variant.model == model.name]
        coming[:, index] = timeline.replicas[:, own][:, :, _COMING].any(axis=(1, 2))
    counts = np.zeros(len(CAUSES), np.int64)
    scraped_ps = np.round(timeline.time_s * PICOSECONDS).astype(np.int64)
    _count(result.requests, result.attainable, *objectives_ps(result.models), scraped_ps, coming, counts)
    return dict(zip(CAUSES, counts.tolist(), strict=True))


@entry_point
def _count(
    requests: NDArray[Any],
    attainable: NDArray[np.bool_],
    ttft_ps: NDArray[np.int64],
    tpot_ps: NDArray[np.int64],
    scraped_ps: NDArray[np.int64],
    coming: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:
    scrape = -1
    for index in range(requests.size):
        request = requests[index]
        while scrape + 1 < scraped_ps.size and scraped_ps[scrape + 1] <= request.arrival:
            scrape += 1
        if is_met(request, ttft_ps, tpot_ps):
            continue
        cause = _SLOW
        if not attainable[index]:
            cause = _OUT_OF_REACH
        elif request.status == CRASHED:
            cause = _CRASH
        elif request.status == FIRST_TOKEN_TIMEOUT:
            cause = _FIRST
        elif request.status == TOTAL_TIMEOUT:
            cause = _TOTAL
        elif request.status == QUEUE_TIMEOUT:
            cause = _QUEUE
        elif request.status == INCOMPLETE:
            cause = _INCOMPLETE
        elif request.first_token - request.arrival > ttft_ps[request.model]:
            cause = _LATE
            if scrape >= 0 and coming[scrape, request.model]:
                cause = _LATE_WHILE_STARTING
        counts[cause] += 1

"""One pass over the requests of a run: what is counted of them, and the latencies that percentiles are of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, INCOMPLETE, TRUNCATED
from wva.engine.compiled import entry_point
from wva.fleet.model import Model
from wva.simulate.met import is_met, objectives_ps

_MET, _MET_SETTLED, _STRICT, _STARTED, _PACED, _ENDED, _OUTPUT_TOKENS = range(7)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts, and times in picoseconds."""

    by_status: tuple[int, ...]
    """Requests by status code."""
    met: int
    """Served within the objectives."""
    met_settled: int
    """Of these, how many arrived after the start had settled."""
    strict: int
    """Completed with the first token within TTFT and the mean time between tokens within TPOT."""
    output_tokens: int
    """Of the answers of completed requests."""
    ttft_ps: NDArray[np.int64]
    """Arrival to first token, of requests that got one."""
    tpot_ps: NDArray[np.float64]
    """Mean time between tokens, of completed requests with two or more."""
    e2e_ps: NDArray[np.int64]
    """Arrival to last token, of completed requests."""


def tally(requests: NDArray[Any], models: Sequence[Model], settled_ps: int) -> Tally:
    """Count the requests, dtype REQUEST; ``settled_ps`` is when the start has settled."""
    objective_ttft, objective_tpot = objectives_ps(models)
    statuses, counts = np.zeros(INCOMPLETE + 1, np.int64), np.zeros(7, np.int64)
    ttft, tpot, e2e = np.empty(len(requests), np.int64), np.empty(len(requests)), np.empty(len(requests), np.int64)
    _pass(requests, objective_ttft, objective_tpot, settled_ps, statuses, counts, ttft, tpot, e2e)
    return Tally(
        by_status=tuple(statuses.tolist()),
        met=int(counts[_MET]),
        met_settled=int(counts[_MET_SETTLED]),
        strict=int(counts[_STRICT]),
        output_tokens=int(counts[_OUTPUT_TOKENS]),
        ttft_ps=ttft[: counts[_STARTED]],
        tpot_ps=tpot[: counts[_PACED]],
        e2e_ps=e2e[: counts[_ENDED]],
    )


@entry_point
def _pass(
    requests: NDArray[Any],
    objective_ttft: NDArray[np.int64],
    objective_tpot: NDArray[np.int64],
    settled_ps: int,
    statuses: NDArray[np.int64],
    counts: NDArray[np.int64],
    ttft: NDArray[np.int64],
    tpot: NDArray[np.float64],
    e2e: NDArray[np.int64],
) -> None:
    started = paced = ended = met = met_settled = strict = output_tokens = 0
    for index in range(requests.size):
        request = requests[index]
        statuses[request.status] += 1
        if request.first_token >= 0:
            ttft[started] = request.first_token - request.arrival
            started += 1
        if request.status not in (COMPLETED, TRUNCATED):
            continue
        e2e[ended] = request.finish - request.arrival
        ended += 1
        output_tokens += request.produced
        gaps = request.produced - 1
        decoding = request.finish - request.first_token
        if gaps > 0:
            tpot[paced] = decoding / gaps
            paced += 1
        if is_met(request, objective_ttft, objective_tpot):
            met += 1
            if request.arrival >= settled_ps:
                met_settled += 1
        in_time = request.first_token - request.arrival <= objective_ttft[request.model]
        if in_time and decoding <= gaps * objective_tpot[request.model]:
            strict += 1
    counts[_MET] = met
    counts[_MET_SETTLED] = met_settled
    counts[_STRICT] = strict
    counts[_STARTED] = started
    counts[_PACED] = paced
    counts[_ENDED] = ended
    counts[_OUTPUT_TOKENS] = output_tokens

"""The misses of a run: how many of each cause, and the moments with most of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.errors import UserError
from wva.report.series import bin_width
from wva.simulate.misses import CAUSES, MET, Cause, lateness_ps
from wva.simulate.recorded import RecordedRun
from wva.simulate.result import PHASES, RunResult, Timeline

MOST_MOMENTS = 8
WORST, FIRST_MISS = "worst", "first-miss"


@dataclass(frozen=True, slots=True)
class CauseCount:
    """The misses of one cause."""

    cause: Cause
    misses: int
    examples: tuple[int, ...]
    """Ids: the first of them, the one in the middle and the last."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A stretch of time with many misses."""

    start_s: float
    end_s: float
    arrivals: int
    misses: int
    cause: Cause
    """The one of most of them."""
    cause_misses: int
    ready: Mapping[str, float]
    """Mean ready replicas of each variant."""
    starting: Mapping[str, float]
    """Mean replicas of each variant that were ordered and not ready."""
    worst: int
    """Id of its latest request; ask for that one."""


@dataclass(frozen=True, slots=True)
class Misses:
    """What missed in a run."""

    scenario: str
    policy: str
    seed: int
    offered: int
    met: int
    causes: tuple[CauseCount, ...]
    """Most misses first."""
    moments: tuple[Moment, ...]
    """In order of time; those with most misses."""


def find_misses(run: RecordedRun, result: RunResult, causes: NDArray[np.int8]) -> Misses:
    """Count the misses of a run that was made again."""
    missed = np.flatnonzero(causes != MET)
    return Misses(
        scenario=run.setting.scenario.name,
        policy=run.journal.run.policy,
        seed=run.seed,
        offered=len(causes),
        met=len(causes) - len(missed),
        causes=_by_cause(causes),
        moments=_moments(result, causes, missed) if len(missed) else (),
    )


def find_request(result: RunResult, causes: NDArray[np.int8], named: str) -> int:
    """The request that a user means: an id, ``worst`` or ``first-miss``.

    The last two are of the misses that an empty replica would have met, where there are any. The worst is the latest;
    one without a whole answer is later than any other.

    Raises:
        UserError: There is no such request.

    """
    if named in (WORST, FIRST_MISS):
        missed = np.flatnonzero(causes != MET)
        if not len(missed):
            raise UserError(f"--request {named}: every request of the run was met")
        possible = missed[~np.isin(causes[missed], [CAUSES.index(c) for c in (Cause.TOO_LONG, Cause.IMPOSSIBLE)])]
        missed = possible if len(possible) else missed
        return int(missed[0] if named == FIRST_MISS else _worst(result, missed))
    try:
        request = int(named)
    except ValueError:
        raise UserError(f"--request {named}: give the number of a request, {WORST} or {FIRST_MISS}") from None
    if not 0 <= request < len(causes):
        raise UserError(f"--request {named}: the run has requests 0 to {len(causes) - 1}, in order of arrival")
    return request


def _worst(result: RunResult, among: NDArray[np.int64]) -> int:
    return int(among[np.argmax(lateness_ps(result.requests[among], result.models))])


def _by_cause(causes: NDArray[np.int8]) -> tuple[CauseCount, ...]:
    counts = []
    for place, cause in enumerate(CAUSES):
        own = np.flatnonzero(causes == place)
        if len(own):
            examples = dict.fromkeys(int(own[index]) for index in (0, len(own) // 2, len(own) - 1))
            counts.append(CauseCount(cause, len(own), tuple(examples)))
    return tuple(sorted(counts, key=lambda count: -count.misses))


def _moments(result: RunResult, causes: NDArray[np.int8], missed: NDArray[np.int64]) -> tuple[Moment, ...]:
    width = bin_width(result.window_s)
    arrivals_s = result.requests["arrival"] / PICOSECONDS
    bins, counts = np.unique((arrivals_s[missed] // width).astype(np.int64), return_counts=True)
    chosen = np.sort(bins[np.argsort(-counts, kind="stable")[:MOST_MOMENTS]])
    moments = []
    for start, end in [(float(index * width), float((index + 1) * width)) for index in chosen]:
        first, last = np.searchsorted(arrivals_s, (start, end))
        own = missed[slice(*np.searchsorted(missed, (first, last)))]
        by_cause = np.bincount(causes[own], minlength=len(CAUSES))
        replicas = _replicas(result.timeline, start, end)
        names = [variant.name for variant in result.variants]
        moments.append(
            Moment(
                start_s=start,
                end_s=min(end, result.window_s),
                arrivals=int(last - first),
                misses=len(own),
                cause=CAUSES[int(np.argmax(by_cause))],
                cause_misses=int(by_cause.max()),
                ready={} if replicas is None else _mean(names, replicas, "ready"),
                starting={} if replicas is None else _mean(names, replicas, "pending", "starting"),
                worst=_worst(result, own),
            )
        )
    return tuple(moments)


def _replicas(timeline: Timeline, start_s: float, end_s: float) -> NDArray[np.float64] | None:
    """Mean replicas at the looks in a stretch of time, or those of the newest look before; shape (variants, 4)."""
    first, last = np.searchsorted(timeline.time_s, (start_s, end_s))
    if last == 0:
        return None
    mean: NDArray[np.float64] = timeline.replicas[min(first, last - 1) : last].mean(axis=0)
    return mean


def _mean(names: list[str], replicas: NDArray[np.float64], *phases: str) -> dict[str, float]:
    """By variant; ``replicas`` has shape (variants, 4)."""
    sums = replicas[:, [PHASES.index(phase) for phase in phases]].sum(axis=1)
    return dict(zip(names, sums.tolist(), strict=True))

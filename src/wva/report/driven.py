"""The report of a load that was driven against real servers, in the schema of a comparison's results.json."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import COMPLETED, INCOMPLETE, PICOSECONDS, REQUEST, TRUNCATED
from wva.fleet.model import Model
from wva.report.percentiles import percentiles
from wva.report.score import Score, model_score
from wva.workload.driver.seen import COMPLETED as ANSWERED
from wva.workload.driver.seen import Seen
from wva.workload.merge import Workload

LABEL = "live"
"""What stands in the place of a policy: nobody here knows which one ran the fleet."""

_MEASURED = ("offered", "completed", "met", "attainment", "attainment_strict", "attainment_after_600s")
_LATENCIES = ("ttft_s", "tpot_s", "e2e_s")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a load came from, as results.json names it."""

    model: str
    source: str
    """File name of the trace, or ``synthetic``."""
    scale: float
    jitter_s: float
    start_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """A load that was driven."""

    name: str
    sources: tuple[Source, ...]
    models: tuple[Model, ...]
    workload: Workload
    seen: Seen
    url: str
    speed: float
    seed: int
    window_s: float
    """Length of the window, or up to when the driver was stopped, in seconds of the workload."""


def as_results(driven: Driven) -> dict[str, Any]:
    """What results.json holds: times in seconds of the workload, so that the objectives are those of the workload.

    What only a simulation or the fleet itself could know is ``None``.
    """
    numbers = score_driven(driven)
    late = driven.seen.lateness_s
    lateness = {"max": float(late.max()) if len(late) else None, **asdict(percentiles(late))}
    options = {"url": driven.url, "speed": driven.speed}
    return {
        "wva": version("wva"),
        "scenario": driven.name,
        "window_s": driven.window_s,
        "queue": None,
        "seeds": [driven.seed],
        "attainable": None,
        "peak_to_mean": [],
        "workload": [asdict(source) for source in driven.sources],
        "fit": None,
        "shown_seed": driven.seed,
        "lateness_s": lateness,
        "policies": {
            LABEL: {
                "policy": LABEL,
                "options": options,
                "configuration": {},
                "median": numbers,
                "seeds": [{"seed": driven.seed, **numbers}],
            }
        },
    }


def score_driven(driven: Driven) -> dict[str, Any]:
    """The numbers of :class:`~wva.report.score.Score`, over all requests that were sent."""
    requests = _requests(driven)
    outcomes = np.array(driven.seen.outcome)
    models = driven.models
    whole = asdict(model_score(requests, models, 0))
    numbers: dict[str, Any] = {field.name: None for field in fields(Score) if field.name != "seed"}
    numbers |= {name: whole[name] for name in (*_MEASURED, *_LATENCIES)}
    numbers["failed"] = _failed(outcomes)
    numbers["truncated"] = int(np.count_nonzero(requests["status"] == TRUNCATED))
    numbers["effective_throughput_rps"] = whole["met"] / driven.window_s
    numbers["end_s"] = float(np.nanmax(driven.seen.end_s) * driven.speed) if len(requests) else 0.0
    numbers["wall_seconds"] = numbers["end_s"] / driven.speed
    numbers["by_model"] = _by_model(requests, outcomes, models) if len(models) > 1 else {}
    return numbers


def _by_model(requests: NDArray[Any], outcomes: NDArray[np.str_], models: Sequence[Model]) -> dict[str, Any]:
    found = {}
    for index, model in enumerate(models):
        own = requests["model"] == index
        part = asdict(model_score(requests[own], models, model.priority))
        found[model.name] = part | {"failed": _failed(outcomes[own])}
    return found


def _failed(outcomes: NDArray[np.str_]) -> dict[str, int]:
    """Requests that failed, by why, and their sum."""
    counts = Counter(str(outcome) for outcome in outcomes if outcome != ANSWERED)
    return {**{reason: counts[reason] for reason in sorted(counts)}, "sum": counts.total()}


def _requests(driven: Driven) -> NDArray[Any]:
    """The requests as a simulation leaves them, as far as a client can know."""
    seen, workload = driven.seen, driven.workload
    count = len(seen.due_s)
    requests = np.zeros(count, REQUEST)
    requests["arrival"] = workload.arrival_ps[:count]
    requests["model"] = workload.model[:count]
    requests["input"], requests["output"] = workload.input_tokens[:count], workload.output_tokens[:count]
    requests["first_token"] = _picoseconds(seen.first_s * driven.speed)
    requests["finish"] = _picoseconds(seen.end_s * driven.speed)
    requests["produced"] = seen.tokens
    answered = np.array([outcome == ANSWERED for outcome in seen.outcome], np.bool_)
    cut_short = answered & (seen.tokens < requests["output"])
    requests["status"] = np.where(cut_short, TRUNCATED, np.where(answered, COMPLETED, INCOMPLETE))
    return requests


def _picoseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.where(np.isnan(seconds), -1, np.rint(np.nan_to_num(seconds) * PICOSECONDS)).astype(np.int64)

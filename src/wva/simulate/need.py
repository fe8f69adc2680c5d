"""How many replicas a traffic that is known in full would keep busy at each moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.simulate.bound.prefix import shared_tokens
from wva.simulate.bound.work import Asked, Work, least_work
from wva.simulate.run import Setting
from wva.workload.merge import Workload

MOST_SLOTS = 10_000
ANSWERING = 0.5
"""Part of the time that objectives leave for an answer in which it is made: engines do not wait for deadlines."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Need:
    """What one model's requests need."""

    variants: tuple[int, ...]
    """Indices of the variants that serve it."""
    speeds: tuple[float, ...]
    """What one replica of each gives, in replicas of the first."""
    replicas: Floats
    """Shape (slots,): replicas of the first variant that all requests together would keep busy."""


def slot_length_s(setting: Setting, workload: Workload) -> float:
    """Length of the slots of every model's need: as fine as prompts are urgent, as far as that is feasible."""
    return max(min(model.objectives.ttft_s for model in setting.models), workload.window_s / MOST_SLOTS)


def needs(setting: Setting, workload: Workload) -> list[Need]:
    """The need of every model that has a variant, on the least engine time that its requests can take."""
    shared = shared_tokens(workload)
    found = []
    for model in range(len(setting.models)):
        variants = tuple(place for place, own in enumerate(setting.model_of) if own == model)
        if variants:
            found.append(_need(setting, workload, model, variants, shared))
    return found


def _need(
    setting: Setting, workload: Workload, model: int, variants: tuple[int, ...], shared: NDArray[np.int64]
) -> Need:
    own = np.flatnonzero(workload.model == model)
    asked = Asked(
        workload.input_tokens[own].astype(np.int64), workload.output_tokens[own].astype(np.int64), shared[own]
    )
    works = [least_work(setting.servers[place], asked) for place in variants]
    fits = np.logical_and.reduce([np.isfinite(work.prompt_s) for work in works])
    totals = [max(float((work.prompt_s + work.answer_s)[fits].sum()), 1e-12) for work in works]
    first = works[0]
    usable = np.isfinite(first.prompt_s)
    arrival_s = workload.arrival_ps[own] / PICOSECONDS
    tokens = workload.output_tokens[own]
    answering_s = ANSWERING * (tokens - 1) * setting.models[model].objectives.tpot_s
    slot_s = slot_length_s(setting, workload)
    slots = int(np.ceil(workload.window_s / slot_s)) + 1
    busy = _busy(_only(first, usable), arrival_s[usable], answering_s[usable], slot_s, slots)
    return Need(variants, tuple(totals[0] / total for total in totals), busy / slot_s)


def _only(work: Work, chosen: NDArray[np.bool_]) -> Work:
    return Work(work.prompt_s[chosen], work.answer_s[chosen])


def _busy(work: Work, arrival_s: Floats, answering_s: NDArray[np.floating], slot_s: float, slots: int) -> Floats:
    """Engine seconds in each slot: prompts where they arrive, answers evenly over the time that they take."""
    first = np.minimum((arrival_s / slot_s).astype(np.int64), slots - 1)
    last = np.minimum(((arrival_s + answering_s) / slot_s).astype(np.int64), slots - 1)
    each = work.answer_s / (last - first + 1)
    change = np.bincount(first, each, slots + 1) - np.bincount(last + 1, each, slots + 1)
    answering = np.cumsum(change)[:slots]
    busy: Floats = np.bincount(first, work.prompt_s, slots).astype(np.float64) + answering
    return busy

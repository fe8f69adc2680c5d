"""One model's requests as buyers of engine time: what each needs, at which times, and what that costs by variant."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.variant import Variant
from wva.simulate.bound.prefix import shared_tokens
from wva.simulate.bound.work import Asked, least_work
from wva.simulate.run import Setting
from wva.workload.merge import Workload

MOST_SLOTS = 6000
"""Slots of the window, at most."""
TAIL_S = 120.0
"""How long after the window rents are told apart, and no longer than the window itself."""
UNAFFORDABLE = 1e18
"""What a request costs on a variant that cannot take it."""

Floats = NDArray[np.float64]
Slots = NDArray[np.int32]

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """Everything about one model that its rents depend on; slots are of equal length, the last one without end."""

    variants: tuple[Variant, ...]
    seats: tuple[int, ...]
    """Replicas of each variant that are on the bill throughout the window, whatever a policy does."""
    start_s: float
    """Seconds that a start is billed before it can earn, of the variant that starts fastest."""
    slot_s: float
    in_window_s: Floats
    """Shape (slots,): seconds of each slot within the window; the slot without end is not among them."""
    prompt_cost: Floats
    """Shape (requests, variants): what the engine time of each prompt costs at rent 1 and weight 1."""
    answer_cost: Floats
    """The same of all tokens after the first."""
    arrival: Slots
    """Shape (requests,): slot of each arrival."""
    met_first: Slots
    """Slot in which the first token of a met request comes at the latest."""
    met_last: Slots
    """Slot in which the last token of a met request comes at the latest."""
    late_first: Slots
    """Slot in which the first token of an answered request comes at the latest."""
    late_last: Slots
    """Slot in which the last token of an answered request comes at the latest."""
    refused: int
    """Requests, not among those above, that no variant can take."""

    @property
    def slots(self) -> int:
        """Slots with an end."""
        return len(self.in_window_s)

    @property
    def requests(self) -> int:
        """Requests that some variant can take."""
        return len(self.arrival)

    def cheapest(self) -> Floats:
        """What each request costs at rent 1 on its cheapest variant."""
        cheapest: Floats = np.min(self.prompt_cost + self.answer_cost, axis=1)
        return cheapest


def open_market(setting: Setting, workload: Workload, model: int) -> Market:
    """The market of one model, by its index."""
    places = [place for place, own in enumerate(setting.model_of) if own == model]
    variants = tuple(setting.variants[place] for place in places)
    prompt, answer = _costs(setting, workload, model, places)
    takes = np.flatnonzero((workload.model == model) & (prompt.min(axis=1) < UNAFFORDABLE))
    objectives, gateway = setting.models[model].objectives, setting.scenario.gateway
    slot_s = max(objectives.ttft_s / 2, workload.window_s / MOST_SLOTS)
    slots = int(np.ceil((workload.window_s + min(TAIL_S, workload.window_s)) / slot_s))
    arrival_s = workload.arrival_ps[takes] / PICOSECONDS
    total_s = np.inf if gateway.total_timeout is None else gateway.total_timeout
    answer_s = objectives.ttft_s + (workload.output_tokens[takes] - 1.0) * objectives.tpot_s

    def slot(within_s: float | Floats) -> Slots:
        return np.minimum((arrival_s + within_s) / slot_s, slots).astype(np.int32)

    ends = np.minimum(np.arange(1, slots + 1) * slot_s, workload.window_s)
    return Market(
        variants=variants,
        seats=_seats(setting, places),
        start_s=min(variant.startup_s for variant in variants),
        slot_s=slot_s,
        in_window_s=np.maximum(ends - np.arange(slots) * slot_s, 0.0),
        prompt_cost=np.ascontiguousarray(prompt[takes]),
        answer_cost=np.ascontiguousarray(answer[takes]),
        arrival=slot(0.0),
        met_first=slot(min(objectives.ttft_s, gateway.first_token_timeout, total_s)),
        met_last=slot(np.minimum(answer_s, total_s)),
        late_first=slot(min(gateway.first_token_timeout, total_s)),
        late_last=slot(total_s),
        refused=int(np.count_nonzero(workload.model == model)) - len(takes),
    )


def _costs(setting: Setting, workload: Workload, model: int, places: list[int]) -> tuple[Floats, Floats]:
    """(prompt, answer) cost at rent 1 of every request on each variant of the model; shape (requests, variants)."""
    asked = Asked(
        workload.input_tokens.astype(np.int64), workload.output_tokens.astype(np.int64), shared_tokens(workload)
    )
    prompt, answer = (np.full((len(workload), len(places)), UNAFFORDABLE) for _ in range(2))
    for column, place in enumerate(places):
        work = least_work(setting.servers[place], asked)
        second = setting.variants[place].cost_per_hour / _SECONDS_PER_HOUR
        for cost, seconds in ((prompt, work.prompt_s), (answer, work.answer_s)):
            takes = np.isfinite(seconds)
            cost[takes, column] = seconds[takes] * second
    return prompt, answer


def _seats(setting: Setting, places: list[int]) -> tuple[int, ...]:
    """The variants' minima, or 0 where hardware is limited: a replica that waits for it is not billed."""
    limited = setting.scenario.nodes is not None
    return tuple(0 if limited else setting.variants[place].min_replicas for place in places)

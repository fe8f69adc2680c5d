"""What all requests of a market pay at given rents, each request by itself."""

import numpy as np
from numpy.typing import NDArray

from wva.engine.compiled import entry_point, inlined
from wva.simulate.bound.market import Floats, Market, Slots


@inlined
def _lowest(minima: Floats, halvings: NDArray[np.int32], first: int, last: int) -> float:
    """The lowest rent of the slots ``first`` to ``last``."""
    level = halvings[last - first + 1]
    return float(min(minima[level, first], minima[level, last - (1 << level) + 1]))


@entry_point
def _pay(
    prompt_cost: Floats,
    answer_cost: Floats,
    arrival: Slots,
    met_first: Slots,
    met_last: Slots,
    late_first: Slots,
    late_last: Slots,
    weights: Floats,
    minima: Floats,
    halvings: NDArray[np.int32],
    met_price: float,
    failed_price: float,
    late: Floats,
) -> float:
    total = 0.0
    for request in range(arrival.size):
        now = arrival[request]
        first = _lowest(minima, halvings, now, met_first[request])
        last = _lowest(minima, halvings, now, met_last[request])
        late_prompt = _lowest(minima, halvings, now, late_first[request])
        late_answer = _lowest(minima, halvings, now, late_last[request])
        met = answered = np.inf
        for variant in range(weights.size):
            prompt = weights[variant] * prompt_cost[request, variant]
            answer = weights[variant] * answer_cost[request, variant]
            met = min(met, first * prompt + last * answer)
            answered = min(answered, late_prompt * prompt + late_answer * answer)
        unmet = min(answered, failed_price)
        late[request] = unmet
        total += min(met - met_price, unmet)
    return total


def payments(
    market: Market,
    weights: Floats,
    rents: Floats,
    met_price: float,
    failed_price: float,
    unmet: Floats | None = None,
) -> float:
    """The sum over all requests of the least that each pays, a met one less ``met_price``.

    ``rents`` has one more than the market's slots, the last one for ever. A failed request pays ``failed_price``.
    ``unmet``, shape (requests,), is filled with what each pays when it is not met.
    """
    return float(
        _pay(
            market.prompt_cost,
            market.answer_cost,
            market.arrival,
            market.met_first,
            market.met_last,
            market.late_first,
            market.late_last,
            weights,
            _minima(rents),
            _halvings(len(rents)),
            met_price,
            failed_price,
            np.empty(market.requests) if unmet is None else unmet,
        )
    )


def _minima(rents: Floats) -> Floats:
    """Row ``k``: the lowest rent of ``2^k`` slots from each on, as far as there are so many."""
    rows = [rents]
    while 1 << len(rows) <= len(rents):
        half = 1 << (len(rows) - 1)
        row = rows[-1].copy()
        row[:-half] = np.minimum(row[:-half], row[half:])
        rows.append(row)
    return np.array(rows)


def _halvings(most: int) -> NDArray[np.int32]:
    """The largest ``k`` with ``2^k <= n`` for each ``n`` up to ``most``; 0 at 0."""
    numbers = np.arange(most + 1)
    return np.array([max(int(number).bit_length() - 1, 0) for number in numbers], np.int32)

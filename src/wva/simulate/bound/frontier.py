"""The bound of one seed's traffic: planes of cost over how many requests are met and how many fail."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from wva.simulate.bound.ledger import payments
from wva.simulate.bound.market import Floats, Market, open_market
from wva.simulate.bound.rents import RentSearch, seat_rate, unprofitable
from wva.simulate.run import Setting
from wva.workload.merge import Workload

MET_PRICES = (0.0, *(2.0 ** np.arange(-1.0, 8.5, 0.75)).tolist())
"""What a met request earns, in mean costs of a request: each gives planes."""
FAILED_PRICES = (1.0, 2.0, 8.0, 32.0, 128.0)
"""What a failed request costs, beside without limit, in mean costs of a request."""
_LOWEST = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Rents below which a path does not go."""
_ROUNDS = 3
"""Times that a path is improved by what late requests pay at the one before."""
_WEIGHT_FACTORS = (0.85, 1.15)
_TUNED_AT = 4.0
"""The met price, in mean costs of a request, at which weights are chosen."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Whatever a policy does, it costs at least ``constant + met_price * met - failed_price * failed``."""

    constant: float
    met_price: float
    failed_price: float
    """Infinite where it holds only while no request fails that could be served."""

    def cost(self, met: float, failed: float) -> float:
        """What it says of a policy with so many met and so many failed requests that could have been served."""
        if failed <= 0:
            return self.constant + self.met_price * met
        if math.isinf(self.failed_price):
            return -math.inf
        return self.constant + self.met_price * met - self.failed_price * failed


@dataclass(frozen=True, slots=True)
class Frontier:
    """What any policy costs at least."""

    planes: tuple[Plane, ...]
    requests: int
    """Offered."""
    refused: int
    """Of these, how many no variant can take: they fail under every policy."""

    def cost(self, met: float, failed: float = 0.0) -> float:
        """Least cost of meeting ``met`` requests while at most ``failed`` end without an answer, refused ones included.

        The others are answered late. Costs are in the fleet's currency.
        """
        unserved = max(failed - self.refused, 0.0)
        return max(0.0, *(plane.cost(met, unserved) for plane in self.planes))

    def cost_of_failing_freely(self, met: float) -> float:
        """Least cost of meeting ``met`` requests when all others may fail."""
        return self.cost(met, self.requests - met)


def find_frontier(
    setting: Setting,
    workload: Workload,
    progress: Callable[[int], None] | None = None,
    met_prices: Sequence[float] = MET_PRICES,
) -> Frontier:
    """Bound the cost of every policy on this traffic; the argument is in the package's docstring.

    ``progress`` is told how many of the ``met_prices``, which are in mean costs of a request, are done.
    """
    indices = [index for index in range(len(setting.models)) if index in setting.model_of]
    markets = [open_market(setting, workload, index) for index in indices]
    refused = sum(market.refused for market in markets)
    markets = [market for market in markets if market.requests or any(market.seats)]
    served = sum(market.requests for market in markets)
    mean = sum(float(market.cheapest().sum()) for market in markets) / max(served, 1)
    sellers = [_Seller(market, mean) for market in markets]
    planes: list[Plane] = []
    for done, met in enumerate(met_prices):
        if progress is not None:
            progress(done)
        planes += _planes(sellers, met * mean, [math.inf, *(price * mean for price in FAILED_PRICES)])
    return Frontier(tuple(planes), len(workload), refused)


def _planes(sellers: Sequence["_Seller"], met_price: float, failed_prices: Sequence[float]) -> list[Plane]:
    """One plane for each price of a failed request, over all models."""
    for seller in sellers:
        seller.choose(met_price)
    return [
        Plane(sum(seller.constant(met_price, failed) for seller in sellers), met_price, failed)
        for failed in failed_prices
    ]


class _Seller:
    """Looks for the rents of one market."""

    def __init__(self, market: Market, mean: float) -> None:
        """``mean`` is what a request costs on average."""
        self._market = market
        self._search = RentSearch(market)
        self._weights = _first_weights(market)
        self._lowest = 0
        self._rents = np.ones(market.slots + 1)
        self._tune(_TUNED_AT * mean)

    def constant(self, met_price: float, failed_price: float) -> float:
        """The constant of a plane, at the rents that were chosen last."""
        return _constant(self._market, self._weights, self._rents, met_price, failed_price)

    def choose(self, met_price: float) -> float:
        """Choose rents, starting from the floor that was best at the price before; return the constant."""
        best = self._at(self._lowest, met_price)
        for step in (1, -1):
            while 0 <= self._lowest + step < len(_LOWEST):
                other = self._at(self._lowest + step, met_price)
                if other[0] <= best[0]:
                    break
                self._lowest, best = self._lowest + step, other
        self._rents = best[1]
        return best[0]

    def _at(self, lowest: int, met_price: float) -> tuple[float, Floats]:
        """(constant, rents) of the best path above a floor."""
        market, weights = self._market, self._weights
        unmet = np.min((market.prompt_cost + _LOWEST[lowest] * market.answer_cost) * weights, axis=1)
        best = (-math.inf, self._rents)
        for _ in range(_ROUNDS):
            rents = self._search.find(weights, _LOWEST[lowest], met_price, unmet)
            constant = _constant(market, weights, rents, met_price, math.inf, unmet)
            if constant <= best[0]:
                break
            best = (constant, rents)
        return best

    def _tune(self, met_price: float) -> None:
        """Weigh the variants against each other, one after the other; one at least keeps weight 1."""
        best = self.choose(met_price)
        for place in range(len(self._weights)):
            for factor in _WEIGHT_FACTORS:
                while True:
                    before = self._weights
                    tried = before.copy()
                    tried[place] = min(tried[place] * factor, 1.0)
                    if tried.max() < 1.0 or tried[place] == before[place]:
                        break
                    self._weights = tried
                    constant = self.choose(met_price)
                    if constant <= best:
                        self._weights = before
                        break
                    best = constant


def _constant(
    market: Market,
    weights: Floats,
    rents: Floats,
    met_price: float,
    failed_price: float,
    unmet: Floats | None = None,
) -> float:
    """What the seats cost beyond their rent, and what all requests pay less what met ones earn."""
    assert unprofitable(market, rents), "a replica would earn more than it costs"
    assert 0.0 < weights.min() <= weights.max() <= 1.0, "a weight is not a part"
    window_s = float(market.in_window_s.sum())
    seats = seat_rate(market, np.ones(len(weights))) * window_s
    earned = seat_rate(market, weights) * float(np.dot(rents[:-1], market.in_window_s))
    return seats - earned + payments(market, weights, rents, met_price, failed_price, unmet)


def _first_weights(market: Market) -> Floats:
    """1 for the variant that serves all requests for least, and what the others' time is worth beside it."""
    both = np.max(market.prompt_cost, axis=1, initial=0.0) < 1e17
    totals = np.sum((market.prompt_cost + market.answer_cost)[both], axis=0)
    if not np.all(totals > 0):
        return np.ones(len(market.variants))
    weights: Floats = totals.min() / totals
    return weights

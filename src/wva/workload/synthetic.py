"""Synthetic requests: arrivals whose rate follows straight lines, and token counts of a known distribution."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.workload.arrivals import Arrivals
from wva.workload.trace import Trace, require_holdable

MAX_TOKENS = int(np.iinfo(np.int32).max)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Token counts whose logarithm is normal."""

    mean: float
    """Mean in tokens, before rounding."""
    cv: float
    """Coefficient of variation: standard deviation over mean."""

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Values not yet rounded, shape (count,)."""
        variance = np.log1p(self.cv**2)
        return rng.lognormal(np.log(self.mean) - variance / 2, np.sqrt(variance), count)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same count for every request."""

    tokens: int

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Values, shape (count,)."""
        return np.full(count, float(self.tokens))


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every whole number from ``min`` to ``max`` is as likely."""

    min: int
    max: int

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Values, shape (count,)."""
        return rng.integers(self.min, self.max, count, endpoint=True).astype(np.float64)


TokenCounts = Lognormal | Constant | Uniform


@dataclass(frozen=True, slots=True)
class Synthetic:
    """Requests to draw."""

    rate: tuple[tuple[float, float], ...]
    """Points ``(seconds, requests per second)`` from 0, ascending in time; straight lines between them.

    Two points at one time are a jump. The window ends at the last point.
    """
    input_tokens: TokenCounts
    output_tokens: TokenCounts
    arrivals: Arrivals = Arrivals.POISSON

    @property
    def duration_s(self) -> float:
        """Length of the window in seconds."""
        return self.rate[-1][0]


def draw_trace(synthetic: Synthetic, rng: np.random.Generator, scale: float = 1.0) -> Trace:
    """Draw the requests of one window; ``scale`` multiplies the rate.

    So many independent copies of Poisson arrivals laid over each other are the same process.

    Raises:
        UserError: So many requests are expected that they do not fit.

    """
    draw = poisson_arrivals if synthetic.arrivals is Arrivals.POISSON else constant_arrivals
    arrivals = draw(synthetic.rate, rng, scale)
    return Trace(
        arrival_s=arrivals,
        input_tokens=_whole(synthetic.input_tokens.draw(len(arrivals), rng)),
        output_tokens=_whole(synthetic.output_tokens.draw(len(arrivals), rng)),
        duration_s=synthetic.duration_s,
    )


def poisson_arrivals(
    rate: tuple[tuple[float, float], ...], rng: np.random.Generator, scale: float = 1.0
) -> NDArray[np.float64]:
    """Arrivals of a Poisson process with a piecewise linear rate: exact, by inverting the integral of the rate.

    Given their number, the arrivals' places on the integral are independent and uniform. The answer is in seconds,
    ascending, in ``[0, time of the last point)``.

    Raises:
        UserError: So many arrivals are expected that they do not fit.

    """
    expected = _integral(rate)[-1]
    require_holdable(expected * scale)
    return _times_of(np.sort(rng.random(rng.poisson(expected * scale))) * expected, rate)


def constant_arrivals(
    rate: tuple[tuple[float, float], ...], rng: np.random.Generator, scale: float = 1.0
) -> NDArray[np.float64]:
    """One arrival for each request that a piecewise linear rate adds up to, the first after a uniform part of one.

    The answer is in seconds, ascending, in ``[0, time of the last point)``.

    Raises:
        UserError: So many arrivals are expected that they do not fit.

    """
    expected = _integral(rate)[-1]
    require_holdable(expected * scale)
    return _times_of(np.arange(rng.random(), expected * scale) / scale, rate)


def _integral(rate: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Requests expected up to each point."""
    times, rates = np.array(rate, np.float64).T
    integral: NDArray[np.float64] = np.concatenate(([0.0], np.cumsum(np.diff(times) * (rates[1:] + rates[:-1]) / 2)))
    return integral


def _times_of(places: NDArray[np.float64], rate: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """When the integral of the rate reaches each of these ascending places."""
    times, rates = np.array(rate, np.float64).T
    integral = _integral(rate)
    segment = np.searchsorted(integral, places, side="right") - 1
    first, last = rates[segment], rates[segment + 1]
    # The area up to a share x of a piece's width, first * x + (last - first) * x**2 / 2, solved for x in the form that
    # holds for level pieces too.
    area = (places - integral[segment]) / np.diff(integral)[segment] * (first + last) / 2
    divisor = first + np.sqrt(np.maximum(first**2 + 2 * (last - first) * area, 0.0))
    share = np.minimum(np.divide(2 * area, divisor, out=np.zeros(len(places)), where=divisor > 0), 1.0)
    arrivals: NDArray[np.float64] = times[segment] + share * np.diff(times)[segment]
    # Rounding may swap neighbours by one unit in the last place, and reach the end of the window.
    arrivals.sort()
    np.minimum(arrivals, np.nextafter(times[-1], 0.0), out=arrivals)
    return arrivals


def _whole(tokens: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.clip(np.rint(tokens), 1, MAX_TOKENS).astype(np.int32)

"""Curves from turns: what the charts draw, as plain numbers."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from wva.live.state import ModelPoint, TickState, VariantPoint

Curve = list[tuple[float, float | None]]
"""Points of time, in seconds since the start of the fleet, and value; ``None`` where it is unknown."""

MOST_POINTS = 300
"""More than these cannot be told apart on a screen."""
PHASES = ("ready", "starting", "draining", "pending")
"""In the order they are stacked: what serves at the bottom, what is only wished for on top."""


def thinned(ticks: Sequence[TickState], most: int = MOST_POINTS) -> Sequence[TickState]:
    """At most so many turns: of each stretch the most telling one, and always the newest.

    Most telling is the one that changed most replicas, or else the one with the slowest first tokens.
    """
    if len(ticks) <= most:
        return ticks
    edges = [(len(ticks) - 1) * place // (most - 1) for place in range(most)]
    return [max(ticks[first:end], key=_telling) for first, end in pairwise(edges)] + [ticks[-1]]


def _telling(tick: TickState) -> tuple[int, float]:
    moved = sum(abs((point.target or 0) - (point.before or 0)) for point in tick.variants)
    return moved, max((point.ttft_p90_s or 0.0 for point in tick.models), default=0.0)


def overall(ticks: Sequence[TickState], start: float, value: Callable[[TickState], float | None]) -> Curve:
    """A figure of the whole fleet."""
    return [(_x(tick, start), _rounded(value(tick))) for tick in ticks]


def of_model(ticks: Sequence[TickState], start: float, name: str, value: Callable[[ModelPoint], float | None]) -> Curve:
    """A figure of one model; unknown where the model was not seen."""
    return overall(ticks, start, lambda tick: _of(tick.models, name, value))


def of_variant(
    ticks: Sequence[TickState], start: float, name: str, value: Callable[[VariantPoint], float | None]
) -> Curve:
    """A figure of one variant; unknown where the variant was not seen."""
    return overall(ticks, start, lambda tick: _of(tick.variants, name, value))


def target(tick: TickState) -> float | None:
    """Replicas that were decided on, over all variants."""
    return _sum([point.target for point in tick.variants])


def shadow_target(policy: str) -> Callable[[TickState], float | None]:
    """Replicas that another policy would have, over all variants."""
    return lambda tick: _sum([point.shadows.get(policy) for point in tick.variants])


def spared(ticks: Sequence[TickState], policy: str) -> float | None:
    """What another policy's counts would have cost more than what there was, by their rates an hour.

    Turns without its count are left out; unknown without any.
    """
    amounts = [
        (before.shadow_cost_per_hour[policy] - before.cost_per_hour) * (after.time - before.time) / 3600.0
        for before, after in pairwise(ticks)
        if policy in before.shadow_cost_per_hour
    ]
    return sum(amounts) if amounts else None


def _x(tick: TickState, start: float) -> float:
    return round(max(0.0, tick.time - start), 1)


def _of(
    points: Sequence[ModelPoint] | Sequence[VariantPoint], name: str, value: Callable[..., float | None]
) -> float | None:
    return next((value(point) for point in points if point.name == name), None)


def _sum(values: Sequence[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(sum(known)) if known and len(known) == len(values) else None


def _rounded(value: float | None) -> float | None:
    """Four digits: what a screen can show, and half of what goes over the wire."""
    return None if value is None else float(f"{value:.4g}")

"""The own policy held against the rivals, at equal attainment."""

from collections.abc import Sequence

from wva.report.experiments.trade import choose, cost_at
from wva.report.frontier.bound import bound_at
from wva.report.frontier.data import CHOSEN_AT, LEVELS, CostPoint, Curve, Level, Spot, Verdict


def chosen(spots: Sequence[Spot]) -> int:
    """Which spot stands for a policy."""
    return spots.index(choose(spots, CHOSEN_AT))


def verdict(
    own: Curve, rivals: Sequence[Curve], schedules: Sequence[CostPoint], bound: Sequence[CostPoint]
) -> Verdict | None:
    """The own policy against the best-tuned rival; ``None`` without a rival."""
    if not rivals:
        return None
    best = choose([curve.chosen_spot for curve in rivals], CHOSEN_AT)
    name = next(curve.name for curve in rivals if curve.chosen_spot is best)
    own_cost = cost_at(own.spots, best.attainment)
    bound_cost = bound_at(bound, best.attainment)
    notes = []
    if own_cost is None:
        most = max(spot.attainment for spot in own.spots)
        notes.append(f"{own.name} attains {most:.2%} at most")
    if not bound:
        notes.append("the bound was not computed")
    elif bound_cost is None:
        notes.append(f"the bound was computed from {bound[0].attainment:.0%} on")
    elif bound_cost >= best.cost:
        notes.append("the rival costs no more than the bound: there is no gap")
    return Verdict(
        rival=name,
        spot=best.label,
        attainment=best.attainment,
        cost=best.cost,
        own_cost=own_cost,
        ratio=ratio(own_cost, best.cost),
        schedule_cost=cost_at(schedules, best.attainment),
        bound_cost=bound_cost,
        gap_closed=gap_closed(best.cost, own_cost, bound_cost),
        notes=tuple(notes),
    )


def levels(
    own: Curve,
    rivals: Sequence[Curve],
    static: Curve | None,
    schedules: Sequence[CostPoint],
    bound: Sequence[CostPoint],
) -> tuple[Level, ...]:
    """What each of the fixed attainments costs."""
    envelope = [spot for curve in rivals for spot in curve.spots]

    def level(attainment: float) -> Level:
        own_cost, rivals_cost = cost_at(own.spots, attainment), cost_at(envelope, attainment)
        return Level(
            attainment=attainment,
            own=own_cost,
            rivals=rivals_cost,
            static=None if static is None else cost_at(static.spots, attainment),
            schedule=cost_at(schedules, attainment),
            bound=bound_at(bound, attainment),
            ratio=ratio(own_cost, rivals_cost),
        )

    return tuple(level(attainment) for attainment in LEVELS)


def ratio(cost: float | None, other: float | None) -> float | None:
    """One cost over another; ``None`` where one is unknown or the other is nothing."""
    return None if cost is None or not other else cost / other


def gap_closed(rival: float, own: float | None, bound: float | None) -> float | None:
    """Share of the way from the rival's cost to the bound's; ``None`` where a cost is unknown or there is no way."""
    if own is None or bound is None or bound >= rival:
        return None
    return (rival - own) / (rival - bound)

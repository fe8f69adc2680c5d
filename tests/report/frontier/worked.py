"""Frontiers made by hand."""

from wva.report.causes import CAUSES
from wva.report.frontier.compare import chosen, levels, verdict
from wva.report.frontier.data import CostPoint, Curve, Frontier, Panel, Run, Spot, Startup, Tuned, spot


def at(attainment: float, cost: float, label: str = "defaults", policy: str = "hpa", seeds: int = 1) -> Spot:
    """A spot with the same numbers on every seed; all of its misses are slow tokens."""
    missed = round(1000 * (1 - attainment))
    runs = tuple(
        Run(
            seed=seed,
            attainment=attainment,
            attainment_of_offered=attainment,
            attainable=1.0,
            cost=cost,
            offered=1000,
            failed=0,
            ttft_p99_s=1.0,
            misses=dict.fromkeys(CAUSES, 0) | {"slow_tokens": missed},
            replica_hours={"a100": 1.0},
        )
        for seed in range(1, seeds + 1)
    )
    return spot(label, policy, {}, runs)


def line(name: str, kind: str, *points: tuple[float, float]) -> Curve:
    spots = tuple(at(*point, label=f"point {index}", policy=name) for index, point in enumerate(points))
    return Curve(name, kind, spots, chosen(spots))


OWN = line("wva", "own", (0.90, 20.0), (1.00, 40.0))
HPA = line("hpa", "rival", (0.70, 30.0), (0.95, 40.0), (0.995, 60.0))
KEDA = line("keda", "rival", (0.80, 10.0), (0.99, 50.0))
STATIC = line("static-best", "static", (0.99, 55.0))
SCHEDULES = (CostPoint(0.8, 16.0), CostPoint(1.0, 30.0))
BOUND = (CostPoint(0.9, 15.0), CostPoint(1.0, 25.0))


def frontier() -> Frontier:
    rivals = (HPA, KEDA)
    startups = tuple(
        Startup(seconds, {curve.name: curve.chosen_spot for curve in (OWN, *rivals)}) for seconds in (30.0, 300.0)
    )
    panels = [
        Panel(
            scenario="<odd> & name",
            queue=queue,
            seeds=(1,),
            window_s=3600.0,
            offered=1000,
            attainable=0.98,
            tuned=Tuned(24, 1, None, None),
            curves=(OWN, *rivals, STATIC),
            bound=bound,
            schedules=schedules,
            verdict=verdict(OWN, rivals, schedules, bound),
            levels=levels(OWN, rivals, STATIC, schedules, bound),
            startups=startups,
        )
        for queue, schedules, bound in (("engine", SCHEDULES, BOUND), ("gateway", (), ()))
    ]
    return Frontier("0", tuple(panels))

"""Fleets that never change: for each of some attainments the cheapest on the first seed, run on every seed."""

from wva.report.contenders import STATIC_BEST, Contender
from wva.report.experiments.bench import Bench
from wva.report.experiments.experiment import Experiment
from wva.report.frontier.data import STATIC, Curve
from wva.report.frontier.spots import Asked, curve, run_spots
from wva.scenario.schema import Scenario
from wva.simulate.static_fleet import with_initial

STATIC_AT = (0.9, 0.95, 0.99, 0.995)
"""Attainments for which a fleet is searched."""


def static_curve(scenario: Scenario, bench: Bench) -> Curve:
    """Search the fleets and run them. Raises ``UserError`` where there are too many to search."""
    searches = [
        Experiment(
            scenario, Contender(f"{STATIC} for {share:.1%}", STATIC_BEST, {"attainment": share}), scenario.seeds[0]
        )
        for share in STATIC_AT
    ]
    fleets = [outcome["found"]["replicas"] for outcome in bench.outcomes(searches)]
    different = [fleet for index, fleet in enumerate(fleets) if fleet not in fleets[:index]]
    asked = [
        Asked(
            " + ".join(f"{count} {name}" for name, count in fleet.items()),
            "static",
            {"replicas": fleet},
            with_initial(scenario, fleet),
        )
        for fleet in different
    ]
    return curve(STATIC, "static", run_spots({STATIC: asked}, bench)[STATIC])

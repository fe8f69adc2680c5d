"""All runs of one scenario with its requests queued at one place, stage by stage."""

from collections.abc import Callable, Sequence
from pathlib import Path

from wva.report.experiments.bench import Bench
from wva.report.experiments.experiment import Experiment
from wva.report.frontier.bound import Bounding, bound_points
from wva.report.frontier.compare import levels, verdict
from wva.report.frontier.data import OWN, Curve, Panel, Startup, Tuned
from wva.report.frontier.effort import Effort, Telling, effort, part_of
from wva.report.frontier.schedules import Scheduling, schedule_points
from wva.report.frontier.spots import Asked, curve, default_of, own_sweep, run_spots, taken_over
from wva.report.frontier.statics import static_curve
from wva.report.tuning.tune import open_search, tune
from wva.scenario.schema import Scenario

STARTUPS_S = (30.0, 110.0, 300.0)
"""Start-ups with which the chosen spots are run again."""
STAGES = ("the defaults", "tuning", "every seed", "static fleets", "other start-ups", "clairvoyant", "the bound")

Stage = Callable[[str, str], None]
"""Told which stage begins, and more about it."""


def collect(
    scenario: Scenario, rivals: Sequence[str], bench: Bench, studies: Path, trials: int | None, stage: Stage
) -> Panel:
    """Run everything for a panel; what was run before is not run again.

    ``studies`` is the directory of the searches, ``trials`` overrides how many each rival gets.

    Raises:
        UserError: Something cannot be run.

    """
    stage(STAGES[0], "")
    first = _on_seeds(scenario, 1)
    begun = [Experiment(first, default_of(name, scenario), first.seeds[0]) for name in (*rivals, OWN)]
    outcomes = bench.outcomes(begun)
    work = effort(outcomes, len(scenario.seeds), trials)

    stage(STAGES[1], "")
    on, tuned = _tuned_on(first, work, bench)
    searches = [open_search(name, on, studies) for name in rivals]
    tune(searches, bench, work.trials, lambda done, of: stage(STAGES[1], f"{done} of {of} trials each"))

    stage(STAGES[2], "")
    asked = {search.policy: taken_over(search, scenario, work.reached) for search in searches}
    spots = run_spots({**asked, OWN: own_sweep(scenario)}, bench)
    own = curve(OWN, "own", spots.pop(OWN))
    others = [curve(name, "rival", found) for name, found in spots.items()]

    stage(STAGES[3], "")
    static = static_curve(scenario, bench)

    stage(STAGES[4], "")
    startups = _startups((own, *others), _on_seeds(scenario, work.startup_seeds), bench)

    stage(STAGES[5], "")
    (scheduled,) = bench.outcomes([Scheduling(scenario, scenario.seeds[0])])
    schedules = schedule_points(scheduled)

    stage(STAGES[6], "")
    (least,) = bench.outcomes([Bounding(scenario, scenario.seeds[0], outcomes[0]["attainable"])])
    bound = bound_points(least)
    return Panel(
        scenario=scenario.name,
        queue=scenario.gateway.queue.value,
        seeds=scenario.seeds,
        window_s=outcomes[0]["window_s"],
        offered=outcomes[0]["offered"],
        attainable=outcomes[0]["attainable"],
        tuned=tuned,
        curves=(own, *others, static),
        schedules=schedules,
        bound=bound,
        verdict=verdict(own, others, schedules, bound),
        levels=levels(own, others, static, schedules, bound),
        startups=startups,
    )


def _tuned_on(first: Scenario, work: Effort, bench: Bench) -> tuple[Scenario, Tuned]:
    """What rivals are tuned on: the first seed, and of a long scenario the part that tells most."""
    seed = first.seeds[0]
    if not work.part:
        return first, Tuned(work.trials, seed, None, None)
    (telling,) = bench.outcomes([Telling(first, seed)])
    return part_of(first, telling), Tuned(work.trials, seed, telling["start_s"], telling["duration_s"])


def _startups(curves: Sequence[Curve], scenario: Scenario, bench: Bench) -> tuple[Startup, ...]:
    """The chosen spots with every variant's start-up replaced."""
    asked: dict[str, list[Asked]] = {}
    for each in curves:
        spot = each.chosen_spot
        asked[each.name] = [
            Asked(f"{spot.label}, start-up {s:g} s", spot.policy, spot.options, _starting_in(scenario, s))
            for s in STARTUPS_S
        ]
    found = run_spots(asked, bench)
    return tuple(
        Startup(startup_s, {name: spots[index] for name, spots in found.items()})
        for index, startup_s in enumerate(STARTUPS_S)
    )


def _starting_in(scenario: Scenario, startup_s: float) -> Scenario:
    variants = tuple(spec.model_copy(update={"startup": startup_s}) for spec in scenario.variants)
    return scenario.model_copy(update={"variants": variants})


def _on_seeds(scenario: Scenario, count: int) -> Scenario:
    return scenario.model_copy(update={"seeds": scenario.seeds[:count]})

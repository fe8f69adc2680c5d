"""How much traffic a fleet of a given size carries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wva.fleet.errors import UserError
from wva.scenario.schema import Scenario
from wva.scenario.traffic import Source, draw_traces
from wva.simulate.run import prepare
from wva.simulate.static_fleet import StaticRuns
from wva.workload.merge import merge

TARGET = 0.95
"""Share of the offered requests that a fleet must meet to be large enough."""
TOLERANCE = 0.02
"""Relative width of the interval of scales that the search stops at; finer for fleets where one replica is less."""
FINEST = 0.001
_SMALLEST = 2.0**-20

Attempt = Callable[[int, float], None]
"""Told how many runs are done and the scale that is tried next."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What was found."""

    scenario: Scenario
    """The scenario with the scale of every workload entry multiplied by ``factor``."""
    factor: float
    variant: str
    replicas: int
    attainment: float
    """Of that many replicas of the variant alone, on the traffic of its model."""
    attainment_with_one_less: float
    runs: int

    @property
    def scale(self) -> float:
        """Scale of the first workload entry."""
        return self.scenario.workload[0].scale


class _Trial:
    """Attainment by scale and size of fleet."""

    def __init__(self, scenario: Scenario, sources: Sequence[Source], attempt: Attempt | None) -> None:
        first = scenario.variants[0]
        self._scenario = scenario
        self._sources = sources
        self._attempt = attempt
        self._model = first.model
        alone = {
            "models": {first.model: scenario.models[first.model]},
            "variants": (first,),
            "crashes": tuple(crash for crash in scenario.crashes if crash.variant == first.name),
        }
        self._setting = prepare(scenario.model_copy(update=alone))
        self._known: dict[tuple[float, int], float] = {}

    @property
    def runs(self) -> int:
        return len(self._known)

    def attainment(self, factor: float, replicas: int) -> float:
        key = (factor, replicas)
        if key not in self._known:
            if self._attempt is not None:
                self._attempt(self.runs, factor)
            self._known[key] = self._run(factor, replicas)
        return self._known[key]

    def _run(self, factor: float, replicas: int) -> float:
        if replicas == 0:
            return 0.0
        scenario = scaled(self._scenario, factor)
        seed = scenario.seeds[0]
        drawn = zip(scenario.workload, draw_traces(scenario, self._sources, seed), strict=True)
        workload = merge((self._model,), [(self._model, trace) for entry, trace in drawn if entry.model == self._model])
        if not workload:
            # A fleet of any size serves nothing perfectly.
            return 1.0
        runs = StaticRuns(self._setting, workload, seed)
        attainment = runs.attainment({self._setting.variants[0].name: replicas})
        if runs.attainable < TARGET:
            raise UserError(
                f"no fleet attains {TARGET:.0%}: an empty replica of {self._setting.variants[0].name} or of another "
                f"variant serves only {runs.attainable:.1%} of the requests within the objectives; relax them"
            )
        return attainment


def scaled(scenario: Scenario, factor: float) -> Scenario:
    """The scenario with ``factor`` times its traffic."""
    workload = [entry.model_copy(update={"scale": entry.scale * factor}) for entry in scenario.workload]
    return scenario.model_copy(update={"workload": tuple(workload)})


def fit_replicas(scenario: Scenario, sources: Sequence[Source], replicas: int, attempt: Attempt | None = None) -> Fit:
    """Scale the traffic until the smallest fleet of the first variant that attains ``TARGET`` has that many replicas.

    It is the most traffic, to within ``TOLERANCE``, that they carry on the first seed, static and alone; the variant's
    bounds do not hold for them.

    Raises:
        UserError: No amount of traffic will do, because too many requests are out of any replica's reach.

    """
    if replicas < 1:
        raise UserError(f"--fit-replicas is {replicas}; it must be 1 or more")
    trial = _Trial(scenario, sources, attempt)
    low, high = _bracket(trial, replicas)
    while high / low > 1 + min(TOLERANCE, 0.25 / replicas):
        low, high = _halve(trial, replicas, low, high)
    while trial.attainment(low, replicas - 1) >= TARGET and high / low > 1 + FINEST:
        low, high = _halve(trial, replicas, low, high)
    return Fit(
        scenario=scaled(scenario, low),
        factor=low,
        variant=scenario.variants[0].name,
        replicas=replicas,
        attainment=trial.attainment(low, replicas),
        attainment_with_one_less=trial.attainment(low, replicas - 1),
        runs=trial.runs,
    )


def _bracket(trial: _Trial, replicas: int) -> tuple[float, float]:
    """(a scale that the fleet carries, twice that, which it does not)."""
    factor = 1.0
    if trial.attainment(factor, replicas) >= TARGET:
        while trial.attainment(2 * factor, replicas) >= TARGET:
            factor *= 2
        return factor, 2 * factor
    while trial.attainment(factor / 2, replicas) < TARGET:
        factor /= 2
        if factor < _SMALLEST:
            raise UserError(f"{replicas} replicas do not attain {TARGET:.0%} at any scale; relax the objectives")
    return factor / 2, factor


def _halve(trial: _Trial, replicas: int, low: float, high: float) -> tuple[float, float]:
    middle = float((low * high) ** 0.5)
    return (middle, high) if trial.attainment(middle, replicas) >= TARGET else (low, middle)

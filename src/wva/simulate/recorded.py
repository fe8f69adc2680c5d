"""A recorded run made again from its journal, decision for decision.

A journal holds the scenario and every plan, and the simulation is exact: with the recorded plans carried out when they
were, every request meets the same fate as in the run. So nothing has to be kept of the requests themselves, a run is
not slowed by what may be asked of it later, and what-ifs start from the very same fleet. Making a day of 4.4 million
requests again takes a few seconds; a table of their times would take some 40 bytes each and still not answer what
another decision would have done. Whatever has changed since (a trace, the engine model, the catalogue) shows as an
observation that is not the recorded one, and is an error.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic_core import from_json

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.duration import format_duration
from wva.fleet.errors import UserError
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.plan import Plan, VariantPlan
from wva.record.column import column
from wva.record.compare import first_difference
from wva.record.decision import Decision, PlainMemory
from wva.record.reader import Journal
from wva.scenario.document import decode_scenario
from wva.scenario.traffic import draw_workload, read_sources
from wva.simulate.result import RunResult
from wva.simulate.run import Progress, Setting, Simulation, prepare
from wva.workload.merge import Workload

Recorded = Decision[PlainMemory]


@dataclass(frozen=True, slots=True)
class Addition:
    """More replicas than a run had, from a decision on."""

    variant: str
    replicas: int
    since: float
    """Time of the first decision that asks for them, in seconds."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Repeats recorded plans, each at its time, and leaves the fleet as it is where there was none."""

    plans: Mapping[float, Plan]
    """By the time of the observation."""
    observations: Mapping[float, Observation] = field(default_factory=dict)
    """What was recorded at those times; needed where something is added."""
    addition: Addition | None = None
    name: str = "schedule"

    def initial_memory(self) -> Memory:
        """Nothing to remember."""
        return Memory()

    def __call__(self, observation: Observation, memory: Memory) -> tuple[Plan, Memory]:
        """The plan of that time, with what is added to it."""
        plan = self.plans.get(observation.now)
        if plan is None:
            return Plan(observation.id, observation.id, observation.now, ()), memory
        if self.addition is None or observation.now < self.addition.since:
            return plan, memory
        return replace(plan, variants=tuple(self._changed(part, observation) for part in plan.variants)), memory

    def _changed(self, part: VariantPlan, observation: Observation) -> VariantPlan:
        added = self.addition
        assert added is not None
        then, now = (_variant(seen, added.variant) for seen in (self.observations[observation.now], observation))
        # With more of the variant, its later replicas have other names than those that the plan was made with.
        renamed = {replica.id for replica in then.replicas}
        victims = tuple(victim for victim in part.victims if victim.replica not in renamed)
        part = replace(part, victims=victims, after_freed=tuple(n for n in part.after_freed if n not in renamed))
        if part.variant != added.variant:
            return part
        # What the plan assumed is off by as much as the fleet is from the recorded one, and by nothing else.
        expected = part.expected + now.desired - then.desired
        return replace(part, expected=expected, target=part.target + added.replicas)


def _variant(observation: Observation, name: str) -> VariantObservation:
    return next(seen for seen in observation.variants if seen.variant.name == name)


class RecordedRun:
    """A run that a journal tells of, ready to be made again."""

    def __init__(self, journal: Journal, setting: Setting, workload: Workload) -> None:
        """``setting`` and ``workload`` are those that the run was made with; ``open_run`` finds them."""
        self.journal = journal
        self.setting = setting
        self.workload = workload
        self._plans: dict[float, Plan] = {}

    @property
    def seed(self) -> int:
        """What the traffic and the clocks were drawn from."""
        seed = self.journal.run.seed
        assert seed is not None
        return seed

    def make_again(self, progress: Progress | None = None) -> RunResult:
        """The run as it was, checked against every recorded observation.

        Raises:
            UserError: It does not come out as recorded.

        """
        repeat = _Repeat(self.journal)
        result = self._simulation(self.workload, repeat, progress).run()
        if len(repeat.plans) != len(self.journal):
            raise _other_run(self.journal, f"it is over after {len(repeat.plans)} decisions of {len(self.journal)}")
        self._plans = repeat.plans
        return result

    def state_at(self, time: float, until_ps: int) -> Simulation:
        """The fleet just before the first decision at or after ``time`` (seconds), after ``make_again``.

        It knows only the requests that arrive up to ``until_ps``, and so can go on that far.
        """
        simulation = self._simulation(_until(self.workload, until_ps), Schedule(self._plans), None)
        # A time in seconds is that of an event only to within a few picoseconds.
        simulation.run_until(round(time * PICOSECONDS) - 1000)
        return simulation

    def decisions(self, first_time: float, last_time: float) -> list[tuple[int, Recorded]]:
        """The numbered decisions between two times, both inclusive, in seconds."""
        before = self.journal.index_at(np.nextafter(first_time, -np.inf))
        first = 0 if before is None else before + 1
        found = []
        for number, decision in enumerate(self.journal.decisions(first), first):
            if decision.time > last_time:
                break
            found.append((number, decision))
        return found

    def schedule(self, decisions: list[tuple[int, Recorded]], addition: Addition | None = None) -> Schedule:
        """The recorded plans, with an addition that begins at one of these decisions."""
        observations = {decision.time: decision.observation for _, decision in decisions}
        return Schedule(self._plans, observations, addition)

    def _simulation(self, workload: Workload, policy: Any, progress: Progress | None) -> Simulation:
        digest = self.journal.run.configuration_digest
        return Simulation(self.setting, workload, policy, self.seed, None, progress, digest)


def open_run(journal: Journal, progress: Callable[[str], None] | None = None) -> RecordedRun:
    """Find all that a journal's run was made with; ``progress`` is told what is done.

    Raises:
        UserError: The journal is of a live fleet, not finished, or without its scenario; or the traces are gone.

    """
    path, run = journal.path, journal.run
    if run.scenario is None or run.seed is None:
        raise UserError(f"{path} is of a live fleet, which tells nothing of single requests; name a simulated run's")
    if not journal.finished:
        raise UserError(f"{path} is of a run that did not end; wait for it, or make it anew")
    document = journal.document
    if document is None:
        raise UserError(f"{path} does not hold its scenario, as newer journals do; make the run anew")
    if progress is not None:
        progress("draws the traffic")
    scenario = decode_scenario(document, str(path))
    workload = draw_workload(scenario, read_sources(scenario), run.seed)
    return RecordedRun(journal, prepare(scenario), workload)


class _Repeat:
    """Repeats a journal's plans in their order and checks what was seen before each."""

    name = "repeat"

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._decisions: Iterator[Recorded] = iter(journal)
        self.plans: dict[float, Plan] = {}

    def initial_memory(self) -> Memory:
        return Memory()

    def __call__(self, observation: Observation, memory: Memory) -> tuple[Plan, Memory]:
        recorded = next(self._decisions, None)
        if recorded is None:
            raise _other_run(self._journal, f"it goes on after the last of {len(self._journal)} decisions")
        if observation != recorded.observation:
            raise _other_run(self._journal, _difference(recorded.observation, observation))
        self.plans[observation.now] = recorded.plan
        return recorded.plan, memory


def _difference(recorded: Observation, now: Observation) -> str:
    then, again = (from_json(column(Observation).encode(observation)) for observation in (recorded, now))
    found = first_difference(then, again, "observation")
    what = "" if found is None else f", {found.field} was {found.recorded} and is {found.now}"
    return f"at the decision at {format_duration(recorded.now)}{what}"


def _other_run(journal: Journal, what: str) -> UserError:
    return UserError(
        f"{journal.path}: made again, the run is another: {what}; its traces, the engine model or the catalogue have "
        "changed, so make the run anew"
    )


def _until(workload: Workload, until_ps: int) -> Workload:
    """The requests that arrive up to and at ``until_ps``."""
    count = int(np.searchsorted(workload.arrival_ps, until_ps, "right"))
    return replace(
        workload,
        arrival_ps=workload.arrival_ps[:count],
        model=workload.model[:count],
        input_tokens=workload.input_tokens[:count],
        output_tokens=workload.output_tokens[:count],
        blocks=None if workload.blocks is None else workload.blocks.between(0, count),
    )

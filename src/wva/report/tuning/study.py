"""The search for a policy's trade-off, as an Optuna study in a file of its own."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState

from wva.policies.space import Choice, Parameter, Real, Space, Value, Whole

_ATTAINMENT, _COST = "attainment", "cost"
"""Attributes of a trial."""
_DIRECTIONS = [StudyDirection.MINIMIZE, StudyDirection.MINIMIZE]
"""Of the objectives: the logarithms of the missed share and of the cost."""
_ENOUGH = 0.9
"""Attainment below which a trial counts as unfit: the cheap end of the trade-off is of no use to anyone, and would
take most of the trials."""
_FEWEST_MISSED = 1e-3
"""Missed share that is told from none."""
_DIGITS = 4
"""Significant digits of a tuned number: finer steps tell nothing, and options are to be read."""
_RANDOM = 16
"""Trials that are drawn at random before what was learned is used."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Values to be tried."""

    number: int
    """Of the trial."""
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Tried:
    """Values that were tried, and what they gave."""

    number: int
    """Of the trial."""
    values: Mapping[str, Value]
    attainment: float
    """Share of the attainable requests that were met."""
    cost: float


class Study:
    """Tried values of a space and what to try next: the published defaults first, then what Optuna's TPE proposes.

    What is proposed depends on what was told before, and not on how often the study was opened or on who runs the
    trials; so a study that was interrupted goes on as if it had not been. The file holds the trials that were told.
    """

    def __init__(self, path: Path, name: str, space: Space) -> None:
        """Open the study of that name in a file, or begin it."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._space = space
        self._asked: dict[int, optuna.Trial] = {}
        storage = JournalStorage(JournalFileBackend(str(path)))
        self._kept = optuna.create_study(storage=storage, study_name=name, directions=_DIRECTIONS, load_if_exists=True)
        # Optuna writes every drawn value to the disk at once: drawing in memory and keeping whole trials is faster.
        self._study = optuna.create_study(directions=_DIRECTIONS)
        self._study.add_trials(self._kept.get_trials(deepcopy=False))

    def ask(self, count: int) -> list[Candidate]:
        """What to try next, ``count`` of them at once; each must be told before the next call."""
        told = len(self._complete())
        self._study.sampler = optuna.samplers.TPESampler(
            n_startup_trials=_RANDOM,
            constant_liar=True,
            # A sampler's own state is not kept in the file: each call starts one anew.
            seed=told,
        )
        if not told:
            self._study.enqueue_trial(self._space.defaults())
        self._asked = {trial.number: trial for trial in (self._study.ask(self._distributions) for _ in range(count))}
        return [Candidate(number, self._values(trial.params)) for number, trial in self._asked.items()]

    def tell(self, candidate: Candidate, attainment: float, cost: float) -> None:
        """Say what a candidate gave."""
        trial = self._asked.pop(candidate.number)
        trial.set_user_attr(_ATTAINMENT, attainment)
        trial.set_user_attr(_COST, cost)
        trial.set_constraint(_ATTAINMENT, _ENOUGH - attainment)
        missed = max(1 - attainment, _FEWEST_MISSED)
        self._kept.add_trial(self._study.tell(trial, [math.log(missed), math.log(max(cost, sys.float_info.min))]))

    def tried(self) -> list[Tried]:
        """Everything told so far, the defaults first."""
        return [
            Tried(trial.number, self._values(trial.params), trial.user_attrs[_ATTAINMENT], trial.user_attrs[_COST])
            for trial in self._complete()
        ]

    def options(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """The policy's options with these values."""
        return self._space.options(values)

    def _complete(self) -> list[Any]:
        return self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))

    @cached_property
    def _distributions(self) -> dict[str, BaseDistribution]:
        return {name: _distribution(parameter) for name, parameter in self._space.parameters.items()}

    def _values(self, drawn: Mapping[str, Any]) -> dict[str, Value]:
        return {name: _rounded(parameter, drawn[name]) for name, parameter in self._space.parameters.items()}


def _distribution(parameter: Parameter) -> BaseDistribution:
    match parameter:
        case Real(low, high, _, log):
            return FloatDistribution(low, high, log=log)
        case Whole(low, high, _, log):
            return IntDistribution(low, high, log=log)
        case Choice(values):
            return CategoricalDistribution(values)


def _rounded(parameter: Parameter, value: Value) -> Value:
    if not isinstance(parameter, Real):
        return value
    return min(max(float(f"{value:.{_DIGITS}g}"), parameter.low), parameter.high)

"""One turn of the loop, as those who watch it get it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wva.fleet.observation import Observation, Trigger
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan


class TickResult(StrEnum):
    """How far a turn came."""

    APPLIED = "applied"
    """The body answered. Its answers are the outcomes, and may be refusals."""
    PAUSED = "paused"
    """Decided and recorded, and not applied, because people asked for that."""
    NOTHING_SEEN = "nothing_seen"
    """The body did not say what is there, so nothing was decided."""
    NO_DECISION = "no_decision"
    """The policy raised an error, took too long, or gave a plan that does not fit what it saw; everything is held."""
    NOT_APPLIED = "not_applied"
    """The body failed to answer for the plan in time. What it did of it shows in the next turn."""


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a turn went, in seconds."""

    observe_s: float
    decide_s: float
    """The policy alone."""
    apply_s: float
    total_s: float
    """Shadow policies and the journal included."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What was seen, decided and done in one turn, and how things stand after it."""

    number: int
    """From 1, since the start of the process."""
    time: float
    """When it began, in seconds since the epoch."""
    trigger: Trigger
    cause: str | None
    """Why it came early, in words."""
    result: TickResult
    observation: Observation | None
    """``None`` where nothing was seen."""
    plan: Plan | None
    """What the policy decided; ``None`` without a decision."""
    outcomes: tuple[Outcome, ...]
    timings: Timings
    shadows: Mapping[str, Plan]
    """What other policies would have done, by name; one that failed is absent."""
    problems: Mapping[str, str]
    """What is wrong now, in one line each, by the part that it is wrong with."""
    paused: bool
    pins: Mapping[str, int]
    """The counts that people hold variants at."""

"""One decision as the journal keeps it."""

from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from wva.fleet.observation import Observation
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan

M = TypeVar("M")

PlainMemory: TypeAlias = dict[str, Any]
"""A memory as plain JSON data: readable without the code of the policy that made it."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[M]):
    """What a policy saw, what it decided, and what the body answered."""

    observation: Observation
    plan: Plan
    memory: M
    """Memory after the decision: the policy's own type when it is written, ``PlainMemory`` when it is read."""
    outcomes: tuple[Outcome, ...]
    """The body's answers when the plan was applied; later answers are in the observations that follow."""
    duration_s: float
    """Time that the policy took, in seconds."""

    @property
    def time(self) -> float:
        """Instant of the decision: the observation's ``now``."""
        return self.observation.now

"""The brain's seam: the only way a decision is made."""

from typing import Protocol, TypeVar

from wva.fleet.memory import Memory
from wva.fleet.observation import Observation
from wva.fleet.plan import Plan

M = TypeVar("M", bound=Memory)


class Policy(Protocol[M]):
    """A pure function from observation and memory to plan and memory, with its configuration bound.

    An implementation is a frozen dataclass whose fields are its configuration. It does no I/O, reads no clock and keeps
    no state: the same arguments give the same answer.
    """

    @property
    def name(self) -> str:
        """Name that users select it by."""

    def initial_memory(self) -> M:
        """The memory of a policy that has seen nothing."""

    def __call__(self, observation: Observation, memory: M) -> tuple[Plan, M]:
        """Decide: targets for every variant in scope, and what to remember."""

"""The single things that are done with a variant's pods and count: each is the same done once or twice."""

from dataclasses import dataclass

from wva.kubernetes.acting.drain import Draining
from wva.kubernetes.objects.pod import Pod

DRAINING_COST = -1_000_000_000
"""Deletion cost of pods that drain and are ready: less is lost with them than with those that serve."""
CLOSED_COST = 1_000_000_000
"""Of those that drain behind a closed gate: any other that is not ready has nothing to end, also one not seen yet."""
STOPPED_COST = -2_000_000_000
"""Of those that are to be stopped before all others."""
OWN_COSTS = (DRAINING_COST, CLOSED_COST, STOPPED_COST)
"""Deletion costs that nobody else is taken to give."""


@dataclass(frozen=True, slots=True)
class MarkDraining:
    """Take a pod out of service, or note that its gate is about to do it."""

    pod: Pod
    draining: Draining
    """With no labels yet: their values are those that the pod has then."""
    labels: tuple[str, ...]
    """Names of the labels to take off."""
    cost: int | None
    """Deletion cost to give it; ``None`` leaves its own."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Put a pod back into service as it was."""

    pod: Pod


@dataclass(frozen=True, slots=True)
class SetGate:
    """Set the condition of a pod's serving gate."""

    pod: Pod
    serving: bool


@dataclass(frozen=True, slots=True)
class SetDeletionCost:
    """Give a pod that drains another deletion cost."""

    pod: Pod
    cost: int


@dataclass(frozen=True, slots=True)
class WriteScale:
    """Write the workload's count."""

    count: int
    expected: int
    """What it must be until then."""


Step = MarkDraining | Restore | SetGate | SetDeletionCost | WriteScale
"""In the order in which they are taken; where one fails, those after it are left for the next time."""

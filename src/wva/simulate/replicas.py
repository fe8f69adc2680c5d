"""One simulated replica and what its variant has consumed."""

from dataclasses import dataclass

from wva.fleet.replica import Phase


@dataclass(slots=True, eq=False)
class SimulatedReplica:
    """A replica of a variant, from its order to its release; times in picoseconds of virtual time."""

    id: str
    variant: int
    """Index of the variant."""
    phase: Phase
    since: int
    """When it entered the phase."""
    ordered_at: int
    started_at: int | None = None
    """When its newest start began: a crashed replica starts anew."""
    ready_at: int | None = None
    """When that start ended, or is planned to end."""
    reason: str | None = None
    """Why it is in the phase, where that is not a matter of course."""
    node: int | None = None
    """Where its GPUs are, while it has any."""
    row: int | None = None
    """Its row in the engines' arrays while it serves."""


@dataclass(slots=True)
class Usage:
    """What one variant has consumed, times in picoseconds of its replicas together."""

    billed_ps: int = 0
    """From start order to release, waiting for stock left out."""
    ready_ps: int = 0
    """While ready."""
    busy_ps: float = 0.0
    """In steps, of engines that have left their row."""
    saturated_ps: float = 0.0
    """The part of that which saturated their GPUs."""
    scale_ups: int = 0
    """Plans that grew it."""
    scale_downs: int = 0
    """Plans that shrank it."""

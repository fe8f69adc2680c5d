"""One simulated replica and what it is billed for."""

from dataclasses import dataclass

from wva.fleet.replica import Phase


@dataclass(slots=True)
class SimulatedReplica:
    """A replica of a variant, from its order to its release; times in picoseconds of virtual time."""

    id: str
    variant: int
    """Index of the variant."""
    phase: Phase
    since: int
    ordered_at: int
    started_at: int | None = None
    ready_at: int | None = None
    """When it first served; planned while it starts."""
    reason: str | None = None
    node: int | None = None
    row: int | None = None
    """Its row in the engines' arrays once it serves."""


@dataclass(slots=True)
class Usage:
    """What one variant has consumed, in picoseconds of replica time."""

    billed_ps: int = 0
    """From start order to release."""
    ready_ps: int = 0
    """While ready."""

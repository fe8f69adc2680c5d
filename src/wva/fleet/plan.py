"""What a policy wants."""

from dataclasses import dataclass

from wva.fleet.reason import Reason


@dataclass(frozen=True, slots=True)
class Victim:
    """A replica to stop."""

    replica: str
    drain_deadline: float | None
    """When to stop it even if it still serves, in seconds since the epoch; ``None`` waits for its last request."""


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """The part of a plan that concerns one variant."""

    variant: str
    expected: int
    """Replicas not draining that the decision assumed; a body that finds another number answers ``conflict``."""
    target: int
    """Replicas wanted."""
    publish: int | None
    """Number for an external follower; ``None`` withholds it, because an unknown is never published as 0."""
    reasons: tuple[Reason, ...] = ()
    victims: tuple[Victim, ...] = ()
    """Replicas to stop first, in order; the body chooses where this is shorter than the shrink."""
    restore: tuple[str, ...] = ()
    """Draining replicas to take back before new ones are ordered."""
    after_freed: tuple[str, ...] = ()
    """Replicas that must be seen gone before this variant may grow, because it grows into their hardware. While one of
    them is there a body keeps the count and answers ``pending``; a later plan asks anew."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Targets for every variant in the scope of one observation."""

    id: str
    observation: str
    """Id of the observation that it answers."""
    valid_until: float
    """After this instant a body refuses it; seconds since the epoch."""
    variants: tuple[VariantPlan, ...]

"""What became of a plan."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """A body's answer to one action."""

    APPLIED = "applied"
    CLAMPED = "clamped"
    REFUSED = "refused"
    CONFLICT = "conflict"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one variant's part of a plan."""

    plan: str
    variant: str
    result: Result
    replicas: int
    """Replicas not draining after the action, those still pending included."""
    detail: str | None = None
    """What clamped it, or why it was refused."""

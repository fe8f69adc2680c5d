"""What deserves a Kubernetes Event: a change of what is said of a variant, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.status import Report


class Happening(StrEnum):
    """Reason of an event, as the reference spells those that it has."""

    SCALED_UP = "ScaledUp"
    SCALED_DOWN = "ScaledDown"
    SCALED_TO_ZERO = "ScaledToZero"
    RESOURCE_CONSTRAINED = "ResourceConstrained"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    OPTIMIZATION_FAILED = "OptimizationFailed"
    ACCELERATOR_NOT_RESOLVED = "AcceleratorNotResolved"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    CONFLICT = "Conflict"
    TARGET_NOT_FOUND = "TargetNotFound"
    DUPLICATE_TARGET = "DuplicateTarget"


_SCALED = (Happening.SCALED_UP, Happening.SCALED_DOWN, Happening.SCALED_TO_ZERO)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an object."""

    reason: Happening
    message: str
    kind: str = ""
    """What tells it from others of its reason; one that is like another in both is a repeat, whatever its words."""

    @property
    def warning(self) -> bool:
        """Whether somebody may have to do something."""
        return self.reason not in _SCALED


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a variant last, as far as events go by it."""

    desired: int | None = None
    conditions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Status and reason, by type."""


def said_in(status: Mapping[str, Any]) -> Said:
    """What an object's status says: what a predecessor has told is not told again."""
    allocation = status.get("desiredOptimizedAlloc") or {}
    conditions = {
        each["type"]: (each.get("status") or "", each.get("reason") or "")
        for each in status.get("conditions") or ()
        if "type" in each
    }
    return Said(allocation.get("numReplicas"), conditions)


def said_after(before: Said, report: Report) -> Said:
    """What is said once the report is; what it leaves out stays."""
    newer = {str(each.aspect): _pair(each) for each in report.conditions}
    desired = before.desired if report.desired is None else report.desired
    return replace(before, desired=desired, conditions={**before.conditions, **newer})


def events_of(before: Said, report: Report) -> tuple[Event, ...]:
    """What has happened: the gravest alone, but that a lack of resources may go along with a ``ScaledUp``."""
    found = [event for condition in report.conditions if (event := _of_condition(condition, before)) is not None]
    scaled = _scaled(before, report)
    if scaled is not None:
        found.append(scaled)
    found.sort(key=lambda event: _GRAVEST_FIRST.index(event.reason))
    if not found:
        return ()
    beside = [event for event in found[1:] if event.reason is Happening.RESOURCE_CONSTRAINED]
    return (found[0], *beside) if found[0].reason is Happening.SCALED_UP else (found[0],)


def complaint_event(before: str | None, complaint: str | None) -> tuple[Event, ...]:
    """What there is to tell of a ConfigMap with which something is wrong, and something else than before."""
    if complaint is None or complaint == before:
        return ()
    return (Event(Happening.INVALID_CONFIGURATION, complaint),)


_OF_BAD_NEWS: Mapping[tuple[Aspect, Because], Happening] = {
    (Aspect.ACCEPTED, Because.INVALID): Happening.INVALID_CONFIGURATION,
    (Aspect.ACCEPTED, Because.UNREADABLE): Happening.INVALID_CONFIGURATION,
    (Aspect.ACCEPTED, Because.NAME_TAKEN): Happening.INVALID_CONFIGURATION,
    (Aspect.ACCEPTED, Because.DUPLICATE): Happening.DUPLICATE_TARGET,
    (Aspect.TARGET_RESOLVED, Because.TARGET_NOT_FOUND): Happening.TARGET_NOT_FOUND,
    (Aspect.CONFLICT, Because.FOREIGN_SCALER): Happening.CONFLICT,
    (Aspect.CONFLICT, Because.OWNED): Happening.CONFLICT,
    (Aspect.CONFLICT, Because.CHANGED): Happening.CONFLICT,
    (Aspect.OPTIMIZATION_READY, Because.OPTIMIZATION_FAILED): Happening.OPTIMIZATION_FAILED,
    (Aspect.OPTIMIZATION_READY, Because.UNKNOWN_ACCELERATOR): Happening.ACCELERATOR_NOT_RESOLVED,
    (Aspect.ACTUATION_LIMITED, Because.NO_STOCK): Happening.RESOURCE_CONSTRAINED,
    (Aspect.ACTUATION_LIMITED, Because.QUOTA): Happening.RESOURCE_CONSTRAINED,
}
_GRAVEST_FIRST = (
    Happening.INVALID_CONFIGURATION,
    Happening.DUPLICATE_TARGET,
    Happening.TARGET_NOT_FOUND,
    Happening.CONFLICT,
    Happening.ACCELERATOR_NOT_RESOLVED,
    Happening.OPTIMIZATION_FAILED,
    *_SCALED,
    Happening.METRICS_UNAVAILABLE,
    Happening.RESOURCE_CONSTRAINED,
)
_GOOD = (Aspect.ACCEPTED, Aspect.TARGET_RESOLVED, Aspect.METRICS_AVAILABLE, Aspect.OPTIMIZATION_READY)
"""Aspects that are well where they hold; the others are where they do not."""
_NOT_CARRIED_OUT = (Because.ADVISORY, Because.PAUSED, Because.REFUSED)


def _of_condition(condition: Condition, before: Said) -> Event | None:
    last = before.conditions.get(str(condition.aspect))
    bad = condition.holds is False if condition.aspect in _GOOD else condition.holds is True
    if not bad or last == _pair(condition):
        return None
    if condition.aspect is Aspect.METRICS_AVAILABLE:
        # A variant whose metrics never came is a new one as a rule, and its condition says so.
        was_there = last is not None and last[0] == "True"
        return Event(Happening.METRICS_UNAVAILABLE, condition.message) if was_there else None
    happening = _OF_BAD_NEWS.get((condition.aspect, condition.because))
    return None if happening is None else Event(happening, condition.message)


def _scaled(before: Said, report: Report) -> Event | None:
    """The change of the desired count, where somebody carries it out."""
    old, new = before.desired, report.desired
    limits = (each for each in report.conditions if each.aspect is Aspect.ACTUATION_LIMITED)
    if old is None or new is None or old == new or any(each.because in _NOT_CARRIED_OUT for each in limits):
        return None
    down = Happening.SCALED_TO_ZERO if new == 0 else Happening.SCALED_DOWN
    why = f": {report.reasons[-1]}" if report.reasons else ""
    change = f"{old} -> {new}"
    return Event(Happening.SCALED_UP if new > old else down, f"desired replicas {change}{why}", change)


def _pair(condition: Condition) -> tuple[str, str]:
    return condition.status, str(condition.because)

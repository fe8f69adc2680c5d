"""Status bodies: what is written into an object, and only when something in it has changed.

Figures in messages and reasons change with every decision; on their own they are no reason to write, or a fleet at rest
would write all the time. They are as of the last write, and the journal has the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wva.kubernetes.conditions import Condition

REASONS = 5
"""Most reasons that a status holds."""
_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be said of a variant now."""

    generation: int | None
    """Version of the ``spec`` that it is said of."""
    conditions: tuple[Condition, ...]
    desired: int | None = None
    """``None`` is unknown: what was said last stays."""
    current: int | None = None
    accelerator: str | None = None
    applied: bool | None = None
    decision: str | None = None
    """Id of the decision that ``desired`` comes from."""
    reasons: tuple[str, ...] = ()


def status_body(previous: Mapping[str, Any], report: Report, now: float) -> dict[str, Any] | None:
    """The whole status to write, or ``None`` where the one in the object says the same.

    ``previous`` is the object's ``status`` as it was read; ``now`` in seconds since the epoch.
    """
    wanted = dict(previous)
    allocation = dict(previous.get("desiredOptimizedAlloc") or {})
    figures = {"numReplicas": report.desired, "accelerator": report.accelerator}
    known = {name: value for name, value in figures.items() if value is not None}
    decided = report.desired is not None and any(allocation.get(name) != value for name, value in known.items())
    if decided:
        wanted["desiredOptimizedAlloc"] = {**allocation, **known, "lastRunTime": time_text(now)}
    if report.current is not None:
        wanted["currentReplicas"] = report.current
    if report.applied is not None:
        wanted["actuation"] = {"applied": report.applied}
    old = previous.get("conditions") or ()
    wanted["conditions"] = _conditions(old, report, now)
    if _same(previous, wanted):
        return None
    if report.decision is not None:
        reasons = [text[:_MESSAGE] for text in report.reasons[:REASONS] if text]
        wanted["decision"] = {"id": report.decision, "reasons": reasons}
    return wanted


def time_text(now: float) -> str:
    """``metav1.Time``: UTC, whole seconds."""
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _conditions(old: Sequence[Mapping[str, Any]], report: Report, now: float) -> list[dict[str, Any]]:
    """Those of the report in its order; a time stays where the status does. Others' conditions stay as they are."""
    before = {each.get("type"): each for each in old}
    said = []
    for condition in report.conditions:
        last = before.get(condition.aspect) or {}
        unchanged = last.get("status") == condition.status and "lastTransitionTime" in last
        body = {
            "type": str(condition.aspect),
            "status": condition.status,
            "reason": str(condition.because),
            # Some API servers of version 1.20 take an empty text for none, and refuse it.
            "message": condition.message[:_MESSAGE] or str(condition.because),
            "lastTransitionTime": last["lastTransitionTime"] if unchanged else time_text(now),
        }
        said.append(body if report.generation is None else {**body, "observedGeneration": report.generation})
    mine = {condition.aspect for condition in report.conditions}
    return said + [dict(each) for each in old if each.get("type") not in mine]


def _same(previous: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether both say the same, but for messages."""

    def essence(status: Mapping[str, Any]) -> dict[str, Any]:
        conditions = [
            {name: value for name, value in each.items() if name not in ("message", "lastTransitionTime")}
            for each in status.get("conditions") or ()
        ]
        return {**status, "conditions": sorted(conditions, key=lambda each: str(each.get("type")))}

    return essence(previous) == essence(wanted)


LEAST_PAUSE_S = 10.0
"""Seconds between two writes of one object's status."""


def is_due(written_at: float | None, now: float, pause_s: float = LEAST_PAUSE_S) -> bool:
    """Whether a status may be written again; what changes meanwhile is in the next one."""
    return written_at is None or now - written_at >= pause_s

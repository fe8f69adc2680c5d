"""What there is to say of a variant after a turn: the one place where a state becomes conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wva.decide.view import bounded, not_draining
from wva.fleet.plan import VariantPlan
from wva.fleet.tick import TickResult
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.discovery import Discovered
from wva.kubernetes.follower import Outlook
from wva.kubernetes.managed import Managed
from wva.kubernetes.reporting.limits import limited
from wva.kubernetes.reporting.measured import measured
from wva.kubernetes.reporting.turn import Turn
from wva.kubernetes.shortage import Shortages
from wva.kubernetes.status import REASONS, Report

_BLIND = "blind"
"""Code of the reason that says that nothing is known to decide by."""
_FAILURES = {
    TickResult.NOTHING_SEEN: ("body", "the cluster could not be seen"),
    TickResult.NO_DECISION: ("policy", "there was no decision"),
}
"""By how far a turn came: the part that failed, and what that means."""
_DECIDED_ON = (
    Aspect.METRICS_AVAILABLE,
    Aspect.OPTIMIZATION_READY,
    Aspect.ACTUATION_LIMITED,
    Aspect.CONFLICT,
    Aspect.DRAIN_SUPPORTED,
)
"""What is only looked at where a variant can be decided on."""


@dataclass(frozen=True, slots=True)
class Acting:
    """What those who act on a variant know of it."""

    outlook: Outlook | None = None
    """What its follower does next, where it has one."""
    conditions: tuple[Condition, ...] = ()
    """What else is to be said, such as how its pods are drained."""


def undecidable(found: Discovered) -> Report:
    """Of a variant that cannot be decided on: what stands against it. What was decided once stays said."""
    blocker = next((each for each in found.conditions if each.holds is False), None)
    said = {each.aspect for each in found.conditions}
    unknown: tuple[Condition, ...] = ()
    if blocker is not None:
        aspects = (Aspect.TARGET_RESOLVED, *_DECIDED_ON)
        unknown = tuple(
            Condition(aspect, None, blocker.because, "not looked at") for aspect in aspects if aspect not in said
        )
    return Report(
        generation=found.meta.generation,
        conditions=(*_declared(found, found.notices), *unknown),
        current=None if found.workload is None else found.workload.replicas,
        accelerator=None if found.accelerator is None else found.accelerator.label,
    )


def decided(managed: Managed, turn: Turn, acting: Acting, shortages: Shortages) -> Report:
    """Of a variant that can be decided on, after a turn.

    What the turn does not tell is left out, so that what was said last stays: a turn that came to nothing says nothing
    of counts, and a variant that was declared since is first seen in the next.
    """
    found, name = managed.found, managed.variant.name
    seen, part, outcome = turn.seen.get(name), turn.parts.get(name), turn.outcomes.get(name)
    variant = managed.variant if seen is None else seen.variant
    desired = None if part is None or part.publish is None else bounded(variant, part.publish)
    current = not_draining(managed.observation)
    conditions = list(_declared(found, managed.notices))
    if seen is not None:
        conditions.append(measured(seen, turn.traffic.get(variant.model), turn.tick.problems))
    optimized = _optimized(turn, part)
    if optimized is not None:
        conditions.append(optimized)
    conditions.append(limited(managed, variant, part, outcome, acting.outlook, shortages, paused=turn.tick.paused))
    conditions += [managed.conflict, *acting.conditions]
    return Report(
        generation=found.meta.generation,
        conditions=tuple(conditions),
        desired=desired,
        current=current,
        accelerator=None if found.accelerator is None else found.accelerator.label,
        applied=None if desired is None else current == desired,
        decision=None if turn.tick.plan is None or part is None else turn.tick.plan.id,
        reasons=() if part is None else tuple(reason.text for reason in part.reasons[-REASONS:]),
    )


def _declared(found: Discovered, notices: Sequence[str]) -> tuple[Condition, ...]:
    """What discovery says, with what is odd beside."""
    odd = "; ".join(notices)
    return tuple(
        replace(each, message=odd) if odd and each.aspect is Aspect.ACCEPTED and each.holds else each
        for each in found.conditions
    )


def _optimized(turn: Turn, part: VariantPlan | None) -> Condition | None:
    """How the decision went; ``None`` where the turn was about other variants."""
    failure = _FAILURES.get(turn.tick.result)
    if failure is not None:
        who, what = failure
        message = f"{what}: {turn.tick.problems[who]}" if who in turn.tick.problems else what
        return Condition(Aspect.OPTIMIZATION_READY, False, Because.OPTIMIZATION_FAILED, message)
    if part is None:
        return None
    why = part.reasons[-1] if part.reasons else None
    if why is not None and why.code == _BLIND:
        return Condition(Aspect.OPTIMIZATION_READY, False, Because.METRICS_UNAVAILABLE, why.text)
    return Condition(Aspect.OPTIMIZATION_READY, True, Because.OPTIMIZED, "" if why is None else why.text)


def without(report: Report, aspects: frozenset[Aspect]) -> Report:
    """The report without some aspects, of which what was said last stays."""
    return replace(report, conditions=tuple(each for each in report.conditions if each.aspect not in aspects))

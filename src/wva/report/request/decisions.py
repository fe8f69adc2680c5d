"""Decisions as plain data: what one settled, and which ones changed something."""

from collections.abc import Sequence

from wva.record.timeline import Timeline
from wva.report.request.facts import ChangeFacts, DecisionFacts, PlanPart
from wva.simulate.recorded import Recorded

MOST_CHANGES = 6


def decision_facts(number: int, decision: Recorded, variants: Sequence[str]) -> DecisionFacts:
    """What a decision settled for these variants."""
    desired = {seen.variant.name: seen.desired for seen in decision.observation.variants}
    parts = tuple(
        PlanPart(
            part.variant,
            desired.get(part.variant, part.expected),
            part.target,
            part.reasons,
        )
        for part in decision.plan.variants
        if part.variant in variants
    )
    return DecisionFacts(number, decision.time, parts)


def newest_changes(decisions: Sequence[tuple[int, Recorded]], variants: Sequence[str]) -> tuple[ChangeFacts, ...]:
    """The newest changes that these decisions, in order, made to the variants' targets."""
    timeline = Timeline()
    for number, decision in decisions:
        timeline.add(number, decision)
    own = [change for change in timeline.changes if change.variant in variants][-MOST_CHANGES:]
    reasons = [None if change.reason is None else change.reason.text for change in own]
    return tuple(
        ChangeFacts(change.time, change.variant, change.before, change.after, reason)
        for change, reason in zip(own, reasons, strict=True)
    )

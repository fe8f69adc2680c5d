"""Condenses a run's decisions to the changes they made, what became of those, and the holds between them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import VariantPlan
from wva.fleet.reason import Reason
from wva.fleet.replica import Phase
from wva.record.decision import Decision, PlainMemory


@dataclass(frozen=True, slots=True)
class Change:
    """A target that differs from the one before it, and how it went on."""

    index: int
    time: float
    """Seconds, as ``Observation.now``."""
    variant: str
    before: int
    after: int
    reason: Reason | None
    outcome: Outcome | None
    """The body's last word on it; ``None`` where it gave none."""
    reached_s: float | None = None
    """Seconds until the fleet was seen at the new target; ``None`` while it was not."""
    seen: int | None = None
    """Replicas last seen towards it: ready ones when growing, existing ones when shrinking."""
    replaced_s: float | None = None
    """Seconds until another target replaced it before it was reached; ``None`` where none did."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Consecutive decisions that changed no target."""

    first_time: float
    last_time: float
    decisions: int
    reasons: tuple[tuple[str, int], ...]
    """Codes of the main reasons with the number of decisions that gave each, the most frequent first."""
    last_reason: str | None
    """The newest main reason in words."""
    problems: tuple[tuple[str, int], ...]
    """Outcomes other than applied, with how often each came."""


def reason_to_change(plan: VariantPlan) -> Reason | None:
    """The one reason to name for a change: the step that says to grow, shrink or give up, or else the first."""
    deciding = (reason for reason in plan.reasons if reason.code in ("grow", "shrink", "yield"))
    return next(deciding, (*plan.reasons, None)[0])


def reason_to_hold(plan: VariantPlan) -> Reason | None:
    """The one reason to name for a hold: the last step of the argument, which settles it."""
    return plan.reasons[-1] if plan.reasons else None


@dataclass(slots=True)
class _OpenHold:
    first_time: float
    last_time: float
    decisions: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    last_reason: str | None = None
    problems: Counter[str] = field(default_factory=Counter)

    def add(self, decision: Decision[PlainMemory], plans: list[VariantPlan]) -> None:
        self.last_time = decision.time
        self.decisions += 1
        given = [(plan.variant, reason) for plan in plans if (reason := reason_to_hold(plan))]
        self.reasons.update({reason.code for _, reason in given})
        for variant, reason in given[-1:]:
            self.last_reason = reason.text if len(plans) == 1 else f"{variant}: {reason.text}"
        names = {plan.variant for plan in plans}
        for outcome in decision.outcomes:
            if outcome.variant in names and outcome.result is not Result.APPLIED:
                self.problems[outcome.result.value] += 1

    def closed(self) -> Hold:
        reasons, problems = tuple(self.reasons.most_common()), tuple(self.problems.most_common())
        return Hold(self.first_time, self.last_time, self.decisions, reasons, self.last_reason, problems)


class Timeline:
    """Collects changes and holds from decisions added in their order, of one variant or of all."""

    def __init__(self, variant: str | None = None) -> None:
        self._only = variant
        self._targets: dict[str, int] = {}
        self._changes: list[Change] = []
        self._entries: list[int | _OpenHold] = []
        """A change by its place in the list of changes, because a change goes on being written while others follow."""
        self._under_way: dict[str, tuple[int, str]] = {}
        """By variant: the place of its last change while it is not reached, and the id of its plan."""
        self.variants: set[str] = set()
        """Names of all variants seen, the filtered ones included."""

    @property
    def entries(self) -> list[Change | Hold]:
        """What the decisions so far come to, in order."""
        return [entry.closed() if isinstance(entry, _OpenHold) else self._changes[entry] for entry in self._entries]

    @property
    def changes(self) -> list[Change]:
        """The changes alone."""
        return list(self._changes)

    def add(self, index: int, decision: Decision[PlainMemory]) -> None:
        """Take the next decision in."""
        self._follow(decision.observation)
        self.variants.update(seen.variant.name for seen in decision.observation.variants)
        self.variants.update(plan.variant for plan in decision.plan.variants)
        plans = [plan for plan in decision.plan.variants if self._only in (None, plan.variant)]
        made = [plan for plan in plans if not _waits(plan, decision)]
        changed = [plan for plan in made if self._target_before(plan, decision.observation) != plan.target]
        for plan in changed:
            self._open(index, decision, plan)
        self._targets.update((plan.variant, plan.target) for plan in made)
        if not changed:
            self._hold(decision, plans)

    def _target_before(self, plan: VariantPlan, observation: Observation) -> int:
        """The last plan's target; before the first plan, the count that the body works towards."""
        known = self._targets.get(plan.variant)
        if known is not None:
            return known
        seen = _variant(observation, plan.variant)
        return plan.expected if seen is None else seen.desired

    def _open(self, index: int, decision: Decision[PlainMemory], plan: VariantPlan) -> None:
        earlier = self._under_way.get(plan.variant)
        if earlier is not None:
            change = self._changes[earlier[0]]
            self._changes[earlier[0]] = replace(change, replaced_s=decision.time - change.time)
        before = self._target_before(plan, decision.observation)
        outcome = _outcome(decision.outcomes, decision.plan.id, plan.variant)
        self._under_way[plan.variant] = (len(self._changes), decision.plan.id)
        self._entries.append(len(self._changes))
        self._changes.append(
            Change(index, decision.time, plan.variant, before, plan.target, reason_to_change(plan), outcome)
        )

    def _hold(self, decision: Decision[PlainMemory], plans: list[VariantPlan]) -> None:
        last = self._entries[-1] if self._entries else None
        hold = last if isinstance(last, _OpenHold) else _OpenHold(decision.time, decision.time)
        if hold is not last:
            self._entries.append(hold)
        hold.add(decision, plans)

    def _follow(self, observation: Observation) -> None:
        """See in a later observation what became of the changes under way."""
        for variant, (place, plan) in list(self._under_way.items()):
            change = self._changes[place]
            outcome = _outcome(observation.outcomes, plan, variant) or change.outcome
            observed = _variant(observation, variant)
            seen = change.seen if observed is None else _count_towards(change, observed)
            grows = change.after > change.before
            reached = seen is not None and (seen >= change.after if grows else seen <= change.after)
            reached_s = observation.now - change.time if reached else None
            self._changes[place] = replace(change, outcome=outcome, seen=seen, reached_s=reached_s)
            if reached:
                del self._under_way[variant]


def condense(decisions: Iterable[Decision[PlainMemory]], variant: str | None = None) -> Timeline:
    """The timeline of all these decisions, numbered from 0."""
    timeline = Timeline(variant)
    for index, decision in enumerate(decisions):
        timeline.add(index, decision)
    return timeline


def _variant(observation: Observation, name: str) -> VariantObservation | None:
    return next((seen for seen in observation.variants if seen.variant.name == name), None)


def _waits(plan: VariantPlan, decision: Decision[PlainMemory]) -> bool:
    """Whether the plan grows into hardware that others had not left yet, so that the body changed nothing."""
    outcome = _outcome(decision.outcomes, decision.plan.id, plan.variant)
    return bool(plan.after_freed) and outcome is not None and outcome.result is Result.PENDING


def _outcome(outcomes: tuple[Outcome, ...], plan: str, variant: str) -> Outcome | None:
    return next((outcome for outcome in outcomes if (outcome.plan, outcome.variant) == (plan, variant)), None)


def _count_towards(change: Change, seen: VariantObservation) -> int:
    """Ready replicas when growing; when shrinking all that still exist, because they are billed until they are gone."""
    if change.after < change.before:
        return len(seen.replicas)
    return len(seen.in_phase(Phase.READY)) if seen.ready is None else seen.ready

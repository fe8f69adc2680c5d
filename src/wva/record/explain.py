"""Tells a recorded run in plain words: its changes in short, or one decision in full."""

from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wva.fleet.duration import format_duration
from wva.fleet.errors import UserError
from wva.fleet.outcome import Outcome
from wva.fleet.plan import VariantPlan
from wva.record.decision import Decision, PlainMemory
from wva.record.describe import describe_memory, describe_traffic, describe_variant
from wva.record.reader import Journal
from wva.record.run import Run
from wva.record.timeline import Change, Hold, Timeline, condense


def explain_run(journal: Journal, variant: str | None = None) -> RenderableType:
    """The timeline of a run, of one variant or of all.

    Raises ``UserError`` where the journal holds no decision or nothing of that variant.
    """
    timeline = condense(journal, variant)
    if not timeline.entries:
        raise UserError(f"{journal.path} holds no decision yet")
    _check_variant(timeline, variant)
    table = Table(box=None, pad_edge=False)
    for heading in ("time", "variant", "change", "main reason", "what became of it"):
        table.add_column(heading, overflow="fold", no_wrap=heading in {"time", "change"})
    for entry in timeline.entries:
        cells = _change_row(entry, journal.run) if isinstance(entry, Change) else _hold_row(entry, journal.run)
        table.add_row(*(Text(cell) for cell in cells), style=None if isinstance(entry, Change) else "dim")
    return Group(_headline(journal), table)


def explain_decision(journal: Journal, time: float, variant: str | None = None) -> RenderableType:
    """The decision in force ``time`` seconds after the start of the run, in full.

    Raises ``UserError`` where there was none yet, or nothing of that variant.
    """
    at = journal.run.start + time
    index = journal.index_at(at)
    if index is None:
        times = journal.times()
        known = f"the first is at {format_duration(times[0] - journal.run.start)}" if times else "it holds none yet"
        raise UserError(f"{journal.path} has no decision at {format_duration(time)}: {known}")
    decision = journal[index]
    timeline = _until_next_change(journal, index, variant)
    _check_variant(timeline, variant)
    parts = [_headline(journal), *_introduction(journal, index, decision), *_seen(decision, variant)]
    parts += [*_decided(decision, variant), *_memory(decision), *_afterwards(timeline, index, journal)]
    return Group(*parts)


def _check_variant(timeline: Timeline, variant: str | None) -> None:
    if variant is not None and variant not in timeline.variants:
        raise UserError(f"the run has no variant {variant}; it has {', '.join(sorted(timeline.variants))}")


def _headline(journal: Journal) -> Text:
    run = journal.run
    where = "a live fleet" if run.scenario is None else f"scenario {run.scenario}"
    seed = "" if run.seed is None else f", seed {run.seed}"
    state = "" if journal.finished else " (not finished)"
    return Text(f"Policy {run.policy} on {where}{seed}: {len(journal)} decisions{state}", style="bold")


def _change_row(change: Change, run: Run) -> tuple[str, ...]:
    reason = "no reason given" if change.reason is None else change.reason.text
    return (_clock(change.time, run), change.variant, f"{change.before} -> {change.after}", reason, fate(change))


def _hold_row(hold: Hold, run: Run) -> tuple[str, ...]:
    times = f"for {format_duration(hold.last_time - hold.first_time)}, " if hold.decisions > 1 else ""
    count = "1 decision" if hold.decisions == 1 else f"{hold.decisions} decisions"
    codes = ", ".join(f"{code} x{given}" for code, given in hold.reasons)
    last = "" if hold.last_reason is None else f"; last: {hold.last_reason}"
    problems = ", ".join(f"{result} x{count}" for result, count in hold.problems)
    return (_clock(hold.first_time, run), "", "hold", f"{times}{count} ({codes or 'no reason given'}){last}", problems)


def fate(change: Change) -> str:
    """What became of a change, in words."""
    answer = "no answer" if change.outcome is None else describe_outcome(change.outcome)
    state = "ready" if change.after > change.before else "left"
    if change.reached_s is not None:
        return f"{answer}; {change.seen} {state} after {format_duration(change.reached_s)}"
    progress = f"{'unknown' if change.seen is None else change.seen} {state}"
    if change.replaced_s is not None:
        return f"{answer}; replaced after {format_duration(change.replaced_s)} with {progress}"
    return f"{answer}; not reached, {progress} when last seen"


def describe_outcome(outcome: Outcome) -> str:
    """The body's answer in words."""
    return outcome.result.value + (f": {outcome.detail}" if outcome.detail else "")


def _until_next_change(journal: Journal, index: int, variant: str | None) -> Timeline:
    """The timeline from just before a decision up to the first change after it."""
    timeline = Timeline(variant)
    first = max(index - 1, 0)
    for number, decision in enumerate(journal.decisions(first), first):
        timeline.add(number, decision)
        if timeline.changes and timeline.changes[-1].index > index:
            break
    return timeline


def _introduction(journal: Journal, index: int, decision: Decision[PlainMemory]) -> Iterator[RenderableType]:
    run, observation = journal.run, decision.observation
    last = index + 1 == len(journal)
    force = "the last one recorded" if last else f"in force until {_clock(journal[index + 1].time, run)}"
    yield Text(
        f"Decision {index} at {_clock(decision.time, run)}{_date(decision.time, run)}, {force}; "
        f"caused by {observation.trigger.value.replace('_', ' ')}; took {decision.duration_s * 1000:.3g} ms"
    )


def _seen(decision: Decision[PlainMemory], variant: str | None) -> Iterator[RenderableType]:
    yield _heading("Seen")
    shown = [seen for seen in decision.observation.variants if variant in (None, seen.variant.name)]
    models = {seen.variant.model for seen in shown}
    for model in decision.observation.models:
        if variant is None or model.model.name in models:
            yield _indented(describe_traffic(model))
    for seen in shown:
        for part in describe_variant(seen, decision.time):
            yield _indented(part)
    if not shown:
        yield _indented("no variant")


def _decided(decision: Decision[PlainMemory], variant: str | None) -> Iterator[RenderableType]:
    yield _heading("Decided")
    plans = [plan for plan in decision.plan.variants if variant in (None, plan.variant)]
    for plan in plans:
        yield _indented(_plan_sentence(plan))
        for reason in plan.reasons:
            yield _indented(f"{reason.code}: {reason.text}", 4)
        for line in _conditions(plan):
            yield _indented(line, 4)
        answers = [outcome for outcome in decision.outcomes if outcome.variant == plan.variant]
        for outcome in answers:
            yield _indented(f"outcome: {describe_outcome(outcome)} ({_replicas(outcome.replicas)})", 4)
        if not answers:
            yield _indented("outcome: no answer", 4)
    if not plans:
        yield _indented("nothing")


def _plan_sentence(plan: VariantPlan) -> str:
    publish = "nothing published" if plan.publish is None else f"{plan.publish} published"
    what = f"{plan.expected} -> {plan.target}" if plan.expected != plan.target else f"hold at {plan.target}"
    return f"{plan.variant}: {what}, {publish}" + ("" if plan.reasons else ", no reason given")


def _conditions(plan: VariantPlan) -> Iterator[str]:
    if plan.victims:
        yield f"stop first: {', '.join(victim.replica for victim in plan.victims)}"
    if plan.restore:
        yield f"take back: {', '.join(plan.restore)}"
    if plan.after_freed:
        yield f"only after these are gone: {', '.join(plan.after_freed)}"


def _memory(decision: Decision[PlainMemory]) -> Iterator[RenderableType]:
    yield _heading("Remembered")
    for line in describe_memory(decision.memory):
        yield _indented(line)


def _afterwards(timeline: Timeline, index: int, journal: Journal) -> Iterator[RenderableType]:
    yield _heading("How it went on")
    for change in timeline.changes:
        if change.index == index:
            yield _indented(f"{change.variant} {change.before} -> {change.after}: {fate(change)}")
    following = [change for change in timeline.changes if change.index > index]
    for change in following:
        reason = "no reason given" if change.reason is None else change.reason.text
        when = _clock(change.time, journal.run)
        yield _indented(f"next change at {when}: {change.variant} {change.before} -> {change.after} ({reason})")
    if not following:
        yield _indented(f"no other change to the end of the journal at {_clock(journal[-1].time, journal.run)}")


def _clock(time: float, run: Run) -> str:
    return format_duration(time - run.start)


def _date(time: float, run: Run) -> str:
    """The date as well, where the run has one: a simulation's clock starts at 0."""
    return f" ({datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC)" if run.start else ""


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _indented(part: str | Table, columns: int = 2) -> Padding:
    return Padding(Text(part) if isinstance(part, str) else part, (0, 0, 0, columns))

"""The stream of decisions: every change on its own, what was held in between folded into one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wva.live.state import TickState, VariantPoint
from wva.web import words

FAILED = frozenset({"nothing_seen", "no_decision", "not_applied"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One or several turns of the same kind in a row."""

    first: TickState
    last: TickState
    """The same where it is one alone."""
    turns: int

    @property
    def held(self) -> bool:
        """Whether nothing changed."""
        return not self.last.changes


def entries(ticks: Iterable[TickState]) -> list[Entry]:
    """The stream, oldest first. Turns that change nothing are folded while what they say of themselves is the same."""
    stream: list[Entry] = []
    for tick in ticks:
        before = stream[-1] if stream else None
        if before is not None and before.held and not tick.changes and tick.result == before.last.result:
            stream[-1] = Entry(before.first, tick, before.turns + 1)
        else:
            stream.append(Entry(tick, tick, 1))
    return stream


def changed(tick: TickState) -> Sequence[VariantPoint]:
    """The variants whose count the decision changes."""
    return [point for point in tick.variants if point.target is not None and point.target != point.before]


def headline(entry: Entry) -> str:
    """What happened, in a few words."""
    tick = entry.last
    if entry.held:
        span = words.age(tick.time - entry.first.time)
        what = "Decided, not applied" if tick.paused else "Held"
        return f"{what} for {span}, {entry.turns} decisions" if entry.turns > 1 else what
    return tick.words if tick.result in FAILED else "; ".join(dict.fromkeys(_why(point) for point in changed(tick)))


def _why(point: VariantPoint) -> str:
    """The step of the argument that settles it, and what became of it unless that is a matter of course."""
    why = point.reasons[-1] if point.reasons else "no reason given"
    if point.outcome in (None, "applied"):
        return why
    detail = f", {point.outcome_detail}" if point.outcome_detail else ""
    return f"{why} ({point.outcome}{detail})"


def wish(tick: TickState, shadow: str) -> str | None:
    """What another policy would have, where it is not what was decided."""
    parts = [
        f"{point.name} {point.shadows[shadow]}"
        for point in tick.variants
        if shadow in point.shadows and point.shadows[shadow] != point.target
    ]
    return ", ".join(parts) or None

"""One decision in short, on the terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from wva.report.request.facts import DecisionFacts, PlanPart


def decision_view(decision: DecisionFacts) -> Iterator[RenderableType]:
    """The reasons that all variants share, once; then what was settled for each, and its own reasons."""
    reasons = [part.reasons for part in decision.parts]
    shared = [reason for reason in reasons[0] if all(reason in own for own in reasons)] if len(reasons) > 1 else []
    # What says whether a variant grows stays with it.
    shared = [reason for reason in shared if reason not in [own[-1] for own in reasons]]
    for reason in shared:
        yield Text(reason.text)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for part in decision.parts:
        own = [reason.text for reason in part.reasons if reason not in shared]
        table.add_row(part.variant, target(part), Text("\n".join(own) or "no reason given"))
    yield table


def target(part: PlanPart) -> str:
    """What a decision settled for a variant: ``2 -> 3`` or ``hold at 2``."""
    return f"{part.before} -> {part.target}" if part.before != part.target else f"hold at {part.target}"

"""Which decision would have saved a request, on the terminal."""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from wva.cli.decision_view import target
from wva.cli.latency import latency
from wva.fleet.duration import format_duration
from wva.report.request.facts import Explanation, OrderFacts, Remedy, Verdict
from wva.report.summary import count, dollars
from wva.simulate.inquiry import Fate
from wva.simulate.pressure import Pressure


def remedy_view(told: Explanation, journal: str) -> Iterator[RenderableType]:
    """The answer first, then what was tried, then what the decision saw and said."""
    match told.remedy.verdict:
        case Verdict.MET:
            yield Text("It was met: there is nothing to save.")
        case Verdict.TOO_LONG:
            yield Text("None: its prompt is longer than any replica can take.")
        case Verdict.CRASH:
            yield Text("None: its replica crashed while it was there, which is no matter of how many there are.")
        case Verdict.IMPOSSIBLE:
            yield from _impossible(told)
        case Verdict.NOTHING:
            yield Text(_nothing(told.remedy, told.request.arrival_s), style="bold")
        case Verdict.SAVED | Verdict.HEADROOM:
            yield from _orders(told, journal)


def _impossible(told: Explanation) -> Iterator[RenderableType]:
    yield Text("None: not even an empty replica would have met it.", style="bold")
    for one in told.alone:
        if one.ttft_s is None or one.total_s is None:
            got = "its prompt does not fit"
        else:
            got = f"first token after {latency(one.ttft_s)}, last after {latency(one.total_s)}"
        yield Text(f"On an empty {one.variant}: {got}.")


def _orders(told: Explanation, journal: str) -> Iterator[RenderableType]:
    remedy = told.remedy
    first = remedy.orders[0]
    assert remedy.seen is not None
    assert remedy.decision is not None
    yield Text(_answer(remedy, first), style="bold")
    if remedy.verdict is Verdict.HEADROOM:
        yield Text(_why_too_late(remedy, first, told.request.arrival_s))
    yield Text(" ")
    yield _table(told)
    yield Text(
        f"Each line is the latest such order; all else as it was decided. {count(remedy.simulations)} were simulated.",
        style="dim",
    )
    yield Text(" ")
    yield Text(f"Decision {first.decision} at {format_duration(first.time_s)} saw {_seen(remedy.seen)}. It chose:")
    for part in remedy.decision.parts:
        reason = part.reasons[-1].text if part.reasons else "no reason given"
        yield Text(f"  {part.variant} {target(part)}: {reason}")
    yield Text(f"All of it: wva explain {journal} --at {_exact(first.time_s)}", overflow="fold", style="dim")


def _answer(remedy: Remedy, first: OrderFacts) -> str:
    at = format_duration(first.time_s)
    if remedy.verdict is Verdict.SAVED:
        return f"The one at {at}, had it {_done(first)}."
    return f"Only one before overload showed: the one at {at} at the latest, had it {_done(first)}."


def _done(order: OrderFacts) -> str:
    if order.kept == order.replicas:
        return f"kept {count(order.kept)} {order.variant} that it stopped"
    started = f"ordered {count(order.replicas - order.kept)} more {order.variant}"
    return started if not order.kept else f"{started} and kept {count(order.kept)} that it stopped"


def _nothing(remedy: Remedy, arrival_s: float) -> str:
    if remedy.earliest_s is None:
        return "None: it arrived before the first decision, and no later one would have met it."
    return (
        "None: no more replicas of one variant, within its bounds and the hardware, would have met it, not even "
        "ordered "
        f"{format_duration(arrival_s - remedy.earliest_s)} before it arrived ({count(remedy.simulations)} orders "
        "simulated)."
    )


def _why_too_late(remedy: Remedy, first: OrderFacts, arrival_s: float) -> str:
    standing = " or ".join(f"{count(more)} more {name}" for name, more in (remedy.standing or {}).items())
    headroom = f": it takes {standing} standing by" if standing else ""
    if remedy.overload_s is None:
        return f"No decision before it arrived saw more than the ready replicas serve within the objectives{headroom}."
    return (
        "More came or waited than the ready replicas serve within the objectives from the decision at "
        f"{format_duration(remedy.overload_s)} on, {format_duration(arrival_s - remedy.overload_s)} before it arrived, "
        f"and a start takes {format_duration(first.startup_s)}{headroom}."
    )


def _table(told: Explanation) -> Table:
    arrival_s = told.request.arrival_s
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("more replicas", no_wrap=True)
    for heading in ("an hour", "ordered", "ready"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("met: tokens after")
    table.add_column("missed, ordered one decision later")
    for order in told.remedy.orders:
        ready = "kept" if order.kept == order.replicas else format_duration(order.time_s + order.startup_s)
        table.add_row(
            f"{count(order.replicas)} {order.variant}",
            dollars(order.cost_per_hour),
            format_duration(order.time_s),
            ready,
            _fate(order.fate, arrival_s),
            _later(order, arrival_s),
        )
    return table


def _later(order: OrderFacts, arrival_s: float) -> str:
    if order.later is None:
        return "there was none"
    more = f"even {count(order.later_replicas)} more: " if order.later_replicas != order.replicas else ""
    return f"{more}{_fate(order.later, arrival_s)}"


def _fate(fate: Fate, arrival_s: float) -> str:
    if fate.first_token_s is None:
        return "no first in time"
    first = f"first {latency(fate.first_token_s - arrival_s)}"
    if fate.finish_s is None or not fate.answered:
        return f"{first}, no last in time"
    return f"{first}, last {latency(fate.finish_s - arrival_s)}"


def _seen(seen: Pressure) -> str:
    came = (
        "an unknown load" if seen.arrival_rate is None else f"{seen.arrival_rate:.3g} requests/s over the last minute"
    )
    coming = sum(seen.coming.values())
    more = f" ({seen.sustained_with_coming:.3g} with the {_names(seen.coming)} still coming)" if coming else ""
    queued = "" if not seen.queued else f", {count(seen.queued)} held at the gateway"
    waiting = "" if not seen.waiting else f", {count(seen.waiting)} waiting in replicas"
    ready = f"ready for {seen.sustained:.3g} with {_names(seen.ready)}{more}"
    return f"{came}{queued}{waiting}; {ready}"


def _names(replicas: Mapping[str, int]) -> str:
    return " and ".join(f"{count(number)} {name}" for name, number in replicas.items() if number) or "0 replicas"


def _exact(time_s: float) -> str:
    """A time that ``--at`` takes and that is not before the decision's own."""
    return f"{time_s + 0.05:.1f}s"

"""The misses of a run on the terminal."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wva.fleet.duration import format_duration
from wva.report.misses import Misses, Moment
from wva.report.summary import count, percent
from wva.simulate.misses import Cause

CAUSE_WORDS = {
    Cause.TOO_LONG: "prompt too long for any replica",
    Cause.CRASH: "lost when its replica crashed",
    Cause.IMPOSSIBLE: "too slow even on an empty replica",
    Cause.GATEWAY: "held at the gateway",
    Cause.QUEUE: "in a replica's queue",
    Cause.PREFILL: "prompt computed among others",
    Cause.PREEMPTION: "preempted: KV cache full",
    Cause.DECODE: "decoding too slow",
    Cause.UNFINISHED: "unfinished at the end of the window",
}


def misses_view(misses: Misses, journal: str) -> RenderableType:
    """A headline, a table of causes, a table of the worst moments, and what to ask next."""
    missed = misses.offered - misses.met
    headline = Text(
        f"Policy {misses.policy} on scenario {misses.scenario}, seed {misses.seed}: {count(missed)} of "
        f"{count(misses.offered)} requests missed their objectives ({percent(missed / misses.offered)})",
        style="bold",
    )
    if not missed:
        return headline
    ask = f"Why one of them missed: wva explain {journal} --request {_worst(misses)}"
    return Group(
        headline, Text(), _causes(misses, missed), Text(), _moments(misses), Text(), Text(ask, overflow="fold")
    )


def _causes(misses: Misses, missed: int) -> Table:
    table = _table()
    table.add_column("cause", no_wrap=True)
    for heading in ("misses", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("for example requests")
    for own in misses.causes:
        examples = ", ".join(map(str, own.examples))
        table.add_row(CAUSE_WORDS[own.cause], count(own.misses), percent(own.misses / missed), examples)
    return table


def _moments(misses: Misses) -> Table:
    table = _table()
    table.add_column("worst moments", no_wrap=True)
    for heading in ("arrived", "missed"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("for the most part", no_wrap=True)
    table.add_column("replicas: ready (+ coming)")
    table.add_column("its latest request", justify="right", no_wrap=True)
    for moment in misses.moments:
        table.add_row(
            f"{format_duration(moment.start_s)} to {format_duration(moment.end_s)}",
            count(moment.arrivals),
            count(moment.misses),
            CAUSE_WORDS[moment.cause],
            _replicas(moment.ready, moment.starting),
            str(moment.worst),
        )
    return table


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")


def _replicas(ready: Mapping[str, float], coming: Mapping[str, float]) -> str:
    return ", ".join(
        f"{_mean(number)} {name}" + (f" (+ {_mean(coming[name])})" if coming[name] else "")
        for name, number in ready.items()
        if number or coming[name]
    )


def _mean(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _worst(misses: Misses) -> int:
    moment: Moment = max(misses.moments, key=lambda moment: moment.misses)
    return moment.worst

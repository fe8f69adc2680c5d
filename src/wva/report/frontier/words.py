"""The numbers of a frontier as text, alike on the page, in Markdown and on the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from wva.report.frontier.data import CHOSEN_AT, GAP_WANTED, OWN, RATIO_WANTED, Curve, Frontier, Panel, Spot, Startup
from wva.report.summary import UNKNOWN, count, dollars, percent, seconds

WORDS = frozenset({"scenario, queue", "best-tuned rival", "policy", "chosen", "of attainable"})
"""Headings of columns that hold words, which stand at the left."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under headings; the first column names the row."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def title(panel: Panel) -> str:
    """What a panel is called."""
    return f"{panel.scenario}, queued at the {panel.queue}"


def verdicts(frontier: Frontier) -> Table:
    """The own policy against the best-tuned rival, a row for each panel."""
    rows = []
    for panel in frontier.panels:
        found = panel.verdict
        if found is None:
            continue
        rows.append(
            (
                f"{panel.scenario}, {panel.queue}",
                found.rival,
                percent(found.attainment),
                dollars(found.cost),
                dollars(found.own_cost),
                marked(found.ratio, found.ratio is not None and found.ratio <= RATIO_WANTED),
                dollars(found.schedule_cost),
                dollars(found.bound_cost),
                marked(found.gap_closed, found.gap_closed is not None and found.gap_closed >= GAP_WANTED),
            )
        )
    return Table(
        (
            "scenario, queue",
            "best-tuned rival",
            "attains",
            "at",
            f"{OWN} there",
            "ratio",
            "clairvoyant there",
            "bound there",
            "gap closed",
        ),
        tuple(rows),
    )


def summary(frontier: Frontier) -> list[str]:
    """What the verdicts come to, in plain sentences."""
    found = [panel.verdict for panel in frontier.panels if panel.verdict is not None]
    ratios = [verdict.ratio for verdict in found if verdict.ratio is not None]
    gaps = [verdict.gap_closed for verdict in found if verdict.gap_closed is not None]
    told = []
    if ratios:
        good = sum(ratio <= RATIO_WANTED for ratio in ratios)
        told.append(
            f"At the attainment of the best-tuned rival {OWN} costs {_span(ratios, '.2f')} of what that costs: "
            f"{RATIO_WANTED:g} or less in {good} of {len(found)}."
        )
    if missing := len(found) - len(ratios):
        told.append(f"In {missing} of {len(found)} it does not attain as much, whatever its headroom.")
    if gaps:
        good = sum(gap >= GAP_WANTED for gap in gaps)
        told.append(
            f"It closes {_span(gaps, '.0%')} of the gap between that rival's cost and the least possible: half or "
            f"more in {good} of {len(found)}."
        )
    return told


def unknowns(frontier: Frontier) -> list[str]:
    """Why something of the verdicts is unknown, each reason with its panels."""
    reasons: dict[str, list[str]] = {}
    for panel in frontier.panels:
        for note in panel.verdict.notes if panel.verdict else ():
            reasons.setdefault(note, []).append(f"{panel.scenario}, {panel.queue}")
    return [
        f"{'everywhere' if len(panels) == len(frontier.panels) else '; '.join(panels)}: {note}."
        for note, panels in reasons.items()
    ]


def level_table(panel: Panel) -> Table:
    """What fixed attainments cost."""
    rows = tuple(
        (
            percent(level.attainment),
            dollars(level.own),
            dollars(level.rivals),
            marked(level.ratio, level.ratio is not None and level.ratio <= RATIO_WANTED),
            dollars(level.static),
            dollars(level.schedule),
            dollars(level.bound),
        )
        for level in panel.levels
    )
    return Table(("of attainable", OWN, "all rivals", "ratio", "static fleets", "clairvoyant", "bound"), rows)


def curve_table(panel: Panel) -> Table:
    """The spot that stands for each policy, beside its defaults."""
    rows = []
    for curve in ordered(panel):
        chosen, first = curve.chosen_spot, curve.spots[0]
        defaults = (percent(first.attainment), dollars(first.cost)) if curve.kind == "rival" else ("", "")
        rows.append((curve.name, chosen.label, *_numbers(chosen), *defaults))
    return Table(
        ("policy", "chosen", "met, of attainable", "cost", "failed", "p99 TTFT", "defaults: met", "cost"), tuple(rows)
    )


def startup_table(panel: Panel) -> Table:
    """The chosen spots with other start-ups."""
    headings = ("policy", *(f"start-up {startup.startup_s:g} s" for startup in panel.startups))
    rows = (
        (curve.name, *(_met_at(startup, curve) for startup in panel.startups))
        for curve in ordered(panel)
        if curve.kind != "static"
    )
    return Table(headings, tuple(rows))


def startup_note(panel: Panel) -> str:
    """What that table shows."""
    seeds = len(ordered(panel)[0].spots[0].runs)
    few = len(panel.startups[0].spots[OWN].runs) if panel.startups else seeds
    return f"The same options with other start-ups{'; the first seed only' if few < seeds else ''}:"


def ordered(panel: Panel) -> Sequence[Curve]:
    """The own curve, the rivals from the best one on, and the static fleets."""

    def rank(curve: Curve) -> tuple[int, bool, float]:
        chosen = curve.chosen_spot
        enough = chosen.attainment >= CHOSEN_AT
        return ("own", "rival", "static").index(curve.kind), not enough, chosen.cost if enough else -chosen.attainment

    return sorted(panel.curves, key=rank)


def marked(value: float | None, good: bool) -> str:
    """A number with a mark where it is as wanted."""
    return UNKNOWN if value is None else f"{value:.2f}{' ✓' if good else ''}"


def share(value: float) -> str:
    """A small share as a percentage of two digits or so."""
    return f"{100 * value:.1f} %" if value >= 0.0995 else f"{100 * value:.2g} %"


def _span(values: Sequence[float], form: str) -> str:
    least, most = format(min(values), form), format(max(values), form)
    return least if least == most else f"{least} to {most}"


def _numbers(spot: Spot) -> tuple[str, ...]:
    runs = sorted(spot.runs, key=lambda run: run.failed)
    middle = runs[len(runs) // 2]
    first_token = sorted(run.ttft_p99_s or 0.0 for run in spot.runs)[len(runs) // 2]
    return percent(spot.attainment), dollars(spot.cost), count(middle.failed), seconds(first_token)


def _met_at(startup: Startup, curve: Curve) -> str:
    spot = startup.spots[curve.name]
    return f"{percent(spot.attainment)} at {dollars(spot.cost)}"

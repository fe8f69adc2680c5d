"""The frontier as one HTML file that needs nothing else."""

from collections.abc import Iterable, Sequence
from html import escape

from wva.report.causes import CAUSES
from wva.report.contenders import file_name
from wva.report.frontier.data import CHOSEN_AT, GAP_WANTED, OWN, RATIO_WANTED, Frontier, Panel
from wva.report.frontier.draw import Drawn
from wva.report.frontier.misses import SHOWN
from wva.report.frontier.words import (
    WORDS,
    Table,
    curve_table,
    level_table,
    startup_note,
    startup_table,
    summary,
    title,
    unknowns,
    verdicts,
)
from wva.report.html import definitions, document, figure
from wva.report.summary import count, duration, percent

READING = (
    "Each line joins the points of a policy that none of its others beats. The large dot is its chosen point: the "
    f"cheapest that meets {CHOSEN_AT:.0%} of the attainable, or where none does, the one that meets most; faint dots "
    "are its single seeds, hollow ones published defaults. Upwards, equal steps leave equal parts of the misses; "
    "costs are on a logarithmic scale. Coloured are the own policy, the best-tuned rival and the static fleets, grey "
    "the other rivals. What meets less than half is not shown.",
    "Dotted is what schedules of replicas reach that were searched for with the whole traffic known; dashed is what "
    "nobody can go below. Both are of the first seed; who sees traffic only as it comes can be expected on neither.",
    "In the tables of equal attainment, all rivals are the lower envelope of all their points, which no single one of "
    "them may reach between two of these: it is drawn in their favour. A dash: nothing that was run attains so much, "
    "or it is not known.",
)


def write_page(frontier: Frontier, figures: Sequence[Drawn]) -> str:
    """The page; ``figures`` are those of each panel."""
    names = list(dict.fromkeys(panel.scenario for panel in frontier.panels))
    items = "\n".join(f"<li>{escape(sentence)}</li>" for sentence in summary(frontier))
    parts = [
        "<h1>Attainment against cost</h1>",
        f'<p class="facts">{escape(", ".join(names))}: every rival tuned for its trade-off, {OWN} with one '
        "configuration of which only the headroom is swept, and fleets that never change</p>",
        f'<ul class="told">\n{items}\n</ul>',
        f"<h2>{OWN} against the best-tuned rival</h2>",
        _table(verdicts(frontier)),
        *(f'<p class="note">{escape(told)}</p>' for told in (*unknowns(frontier), _verdict_note())),
        "<h2>How to read the figures</h2>",
        *(f"<p>{escape(told)}</p>" for told in READING),
        f'<p class="facts">{", ".join(map(_link, frontier.panels))}</p>',
        *(part for panel, drawn in zip(frontier.panels, figures, strict=True) for part in _panel(panel, drawn)),
        "<h2>What was done</h2>",
        definitions(_method(frontier)),
        "<h2>Causes of misses</h2>",
        definitions((SHOWN[cause][0], meaning) for cause, meaning in CAUSES.items()),
        "<footer>Made by <code>wva frontier</code>. All numbers, options of every point and seed by seed, are in "
        "frontier.json; <code>wva tune</code> searches one policy on one scenario.</footer>",
    ]
    return document(f"Attainment against cost: {', '.join(names)}", parts)


def _verdict_note() -> str:
    return (
        f"The best-tuned rival is the cheapest that meets {CHOSEN_AT:.0%} of the attainable requests, or where none "
        f"does, the one that meets most. {OWN}'s cost is read off the line through its sweep at that attainment. "
        f"Wanted are a ratio of at most {RATIO_WANTED:g} and at least {GAP_WANTED:g} of the gap between the rival's "
        "cost and the least cost at which anybody could attain as much, the traffic known beforehand."
    )


def _panel(panel: Panel, drawn: Drawn) -> Iterable[str]:
    name = _id(panel)
    yield f'<h2 id="{name}">{escape(title(panel))}</h2>'
    yield (
        f'<p class="facts">{count(panel.offered)} requests in {duration(panel.window_s)}, {percent(panel.attainable)} '
        f"attainable; {escape(_seeds(panel))}; {escape(_tuned(panel))}</p>"
    )
    yield figure(f"curves-{name}", *drawn["curves"])
    yield "<h3>The same attainment, at which cost</h3>"
    yield _table(level_table(panel))
    yield "<h3>The chosen points</h3>"
    yield _table(curve_table(panel))
    yield figure(f"misses-{name}", *drawn["misses"])
    yield "<h3>The chosen points with other start-ups</h3>"
    yield f'<p class="note">{escape(startup_note(panel))}</p>'
    yield _table(startup_table(panel))


def _link(panel: Panel) -> str:
    return f'<a href="#{_id(panel)}">{escape(title(panel))}</a>'


def _id(panel: Panel) -> str:
    return f"{file_name(panel.scenario)}-{panel.queue}"


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col"{_side(heading)}>{escape(heading)}</th>' for heading in table.headings)
    rows = []
    for first, *rest in table.rows:
        cells = "".join(
            f"<td{_side(heading)}>{escape(cell)}</td>" for heading, cell in zip(table.headings[1:], rest, strict=True)
        )
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    body = "\n".join(rows)
    return f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _side(heading: str) -> str:
    return ' class="words"' if heading in WORDS else ""


def _seeds(panel: Panel) -> str:
    return f"seed {panel.seeds[0]}" if len(panel.seeds) == 1 else f"medians of {len(panel.seeds)} seeds"


def _tuned(panel: Panel) -> str:
    tuned = panel.tuned
    told = f"rivals tuned in {tuned.trials} trials each on seed {tuned.seed}"
    if tuned.start_s is None or tuned.duration_s is None:
        return told
    return f"{told}, on the {duration(tuned.duration_s)} from {duration(tuned.start_s)} on"


def _method(frontier: Frontier) -> Iterable[tuple[str, str]]:
    yield (
        "rivals",
        "each is tuned on the first seed for both attainment and cost, its published defaults being the first trial. "
        "The cheapest trials at several attainments, and the defaults, are then run on every seed. Where one run takes "
        "long, tuning sees the quarter of the window in which the load goes through its widest range, and fewer trials "
        "are taken over; a panel says so.",
    )
    yield OWN, "one configuration everywhere; its line is a sweep of headroom, the part of the capacity kept free."
    yield "static fleets", "for each of several attainments the cheapest fleet on the first seed, run on every seed."
    yield (
        "attainment",
        "requests whose first token came within the TTFT objective, and their last within that and the TPOT objective "
        "for each further token, failed ones included in the whole; here as a share of those that an empty replica "
        "would meet.",
    )
    yield "cost", "replica-hours from start order to release, starting and draining included, at the variants' prices."
    yield "made by", f"wva {frontier.wva}"

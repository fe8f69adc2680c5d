"""The frontier as Markdown."""

from wva.report.frontier.data import Frontier
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


def write_table(frontier: Frontier) -> str:
    """The verdicts, then for each panel what attainments cost, the chosen spots, and these with other start-ups."""
    parts = [_markdown(verdicts(frontier))]
    parts += [f"{told}\n" for told in (*summary(frontier), *unknowns(frontier))]
    for panel in frontier.panels:
        parts.append(f"### {title(panel)}\n")
        parts += [_markdown(level_table(panel)), _markdown(curve_table(panel))]
        parts += [f"{startup_note(panel)}\n", _markdown(startup_table(panel))]
    return "\n".join(parts)


def _markdown(table: Table) -> str:
    rules = ["---" if heading in WORDS else "---:" for heading in table.headings]
    return "".join(f"| {' | '.join(row)} |\n" for row in (table.headings, rules, *table.rows))

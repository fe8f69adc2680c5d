"""What a comparison prints when it is over."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wva.report.comparison import Comparison
from wva.report.output import JOURNALS, PAGE, RESULTS
from wva.report.summary import count, duration, sentences, table_rows


def show(comparison: Comparison, directory: Path, console: Console) -> None:
    """Print the table, the sentences and where the files are."""
    scenario = comparison.scenario
    offered = comparison.median(comparison.contenders[0])["offered"]
    seeds = f"seed {scenario.seeds[0]}" if len(scenario.seeds) == 1 else f"medians of {len(scenario.seeds)} seeds"
    console.print()
    traffic = f"{count(offered)} requests in {duration(comparison.window_s)}"
    where = f"queued at the {scenario.gateway.queue.value}"
    console.print(Text(scenario.name, style="bold"), f"{traffic}, {where}, {seeds}", highlight=False)
    console.print(_table(comparison))
    console.print()
    for sentence in sentences(comparison):
        console.print(Text(sentence))
    console.print()
    console.print(Text(f"{directory / PAGE} shows it, {directory / RESULTS} has all numbers."), soft_wrap=True)
    journal = comparison.shown(comparison.contenders[-1]).task.journal
    console.print(Text(f"Why it decided so: wva explain {directory / JOURNALS / journal}"), soft_wrap=True)


def _table(comparison: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("")
    for contender in comparison.contenders:
        table.add_column(Text(contender.label), justify="right", style=None)
    for row in table_rows(comparison):
        cells = [Text(cell, style="bold green" if index in row.best else "") for index, cell in enumerate(row.cells)]
        table.add_row(Text(row.heading, style="dim"), *cells)
    return table

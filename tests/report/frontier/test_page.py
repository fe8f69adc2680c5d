"""A frontier made by hand, as page, table and figures."""

import json
import re
from dataclasses import asdict
from pathlib import Path

from tests.report.frontier.worked import frontier
from tests.report.test_compare import Page
from wva.report.causes import CAUSES
from wva.report.frontier.draw import FIGURES, write_figures
from wva.report.frontier.misses import SHOWN
from wva.report.frontier.page import write_page
from wva.report.frontier.table import write_table
from wva.report.frontier.words import curve_table, startup_table, summary, unknowns, verdicts


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    found = frontier()
    text = write_page(found, write_figures(found, tmp_path))
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(reference.startswith("#") and reference[1:] in page.ids for reference in page.references)
    assert not re.search(r"url\((?!#)", text)
    assert text.count("<svg") == 2 * len(FIGURES) * len(found.panels)
    assert "&lt;odd&gt; &amp; name" in text
    assert "<odd>" not in text
    assert len(list(tmp_path.glob("*.png"))) == len(FIGURES) * len(found.panels)


def test_every_cause_has_words_and_a_colour() -> None:
    assert SHOWN.keys() == CAUSES.keys()


def test_the_verdicts_in_words() -> None:
    found = frontier()
    first, second = verdicts(found).rows
    assert first[1:] == ("keda", "99.00 %", "$50.00", "$38.00", "0.76 ✓", "$29.30", "$15.00", "0.34")
    assert second[1:] == ("keda", "99.00 %", "$50.00", "$38.00", "0.76 ✓", "-", "-", "-")
    assert summary(found) == [
        "At the attainment of the best-tuned rival wva costs 0.76 of what that costs: 0.9 or less in 2 of 2.",
        "It closes 34% of the gap between that rival's cost and the least possible: half or more in 0 of 2.",
    ]
    assert unknowns(found) == ["<odd> & name, gateway: the bound was not computed."]


def test_the_own_policy_comes_first_and_the_best_rival_next() -> None:
    panel = frontier().panels[0]
    assert [row[0] for row in curve_table(panel).rows] == ["wva", "keda", "hpa", "static-best"]
    assert [row[0] for row in startup_table(panel).rows] == ["wva", "keda", "hpa"]


def test_markdown_has_a_cell_for_each_heading() -> None:
    lines = [line for line in write_table(frontier()).splitlines() if line.startswith("|")]
    assert lines[0].startswith("| scenario, queue | best-tuned rival | attains |")
    assert len({line.count("|") for line in lines[:4]}) == 1
    tables = "\n".join(lines).split("| policy | start-up ")
    assert len(tables) == 1 + len(frontier().panels)


def test_all_of_it_is_json() -> None:
    assert json.loads(json.dumps(asdict(frontier()), allow_nan=False))["panels"][0]["queue"] == "engine"

"""A small comparison from end to end."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.report.tiny import TINY, tiny
from wva.fleet.errors import UserError
from wva.record.reader import Journal
from wva.report.compare import Watcher, compare
from wva.report.comparison import Comparison, as_results
from wva.report.contenders import parse_contenders
from wva.report.output import FIGURES, JOURNALS, PAGE, RESULTS
from wva.report.summary import sentences, table_rows
from wva.scenario.load import load_scenario, override

Compared = tuple[Comparison, Path]

SEED_FIELDS = {
    *("seed", "offered", "attainable", "completed", "truncated", "failed", "met", "attainment", "attainment_strict"),
    *("attainment_after_600s", "effective_throughput_rps", "ttft_s", "tpot_s", "e2e_s", "replica_hours", "gpu_hours"),
    *("cost", "cost_ready_only", "energy", "end_s", "scale_ups", "scale_downs", "decision_ms", "wall_seconds"),
    *("simulated_requests_per_second", "by_model"),
}
TIMINGS = ("decision_ms", "wall_seconds", "simulated_requests_per_second")


def results(out: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((out / RESULTS).read_text())
    return data


def without_timings(data: dict[str, Any]) -> dict[str, Any]:
    for policy in data["policies"].values():
        for numbers in (policy["median"], *policy["seeds"]):
            for field in TIMINGS:
                del numbers[field]
    return data


def test_the_directory_holds_everything(compared: Compared) -> None:
    _, out = compared
    assert {path.name for path in out.iterdir()} == {RESULTS, PAGE, JOURNALS, *FIGURES}
    names = {f"{label}-seed{seed}.journal" for label in ("static", "hpa", "static-best") for seed in (1, 2)}
    assert {path.name for path in (out / JOURNALS).iterdir()} == names
    for name in FIGURES:
        assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_results_have_their_fields(compared: Compared) -> None:
    data = results(compared[1])
    assert (data["scenario"], data["window_s"], data["queue"], data["seeds"]) == ("tiny", 90.0, "engine", [1, 2])
    assert 0 < data["attainable"] <= 1
    assert [entry.keys() for entry in data["peak_to_mean"]] == [{"model", "before", "after"}] * 2
    assert list(data["policies"]) == ["static", "hpa", "static-best"]
    for name, policy in data["policies"].items():
        found = {"found"} if name == "static-best" else set()
        assert [set(numbers) for numbers in policy["seeds"]] == [SEED_FIELDS | found] * 2
        assert set(policy["median"]) == SEED_FIELDS - {"seed"}
        assert policy["configuration"]["name"] == name


def test_results_add_up(compared: Compared) -> None:
    for policy in results(compared[1])["policies"].values():
        for numbers in policy["seeds"]:
            failed = numbers["failed"]
            assert failed["sum"] == sum(count for reason, count in failed.items() if reason != "sum")
            assert numbers["completed"] + failed["sum"] == numbers["offered"]
            assert numbers["attainment"] == numbers["met"] / numbers["offered"]
            assert set(numbers["replica_hours"]) == {"a100", "h100"}
            assert numbers["attainment_after_600s"] is None
        middle, (first, second) = policy["median"], policy["seeds"]
        assert middle["met"] == (first["met"] + second["met"]) / 2
        assert middle["ttft_s"]["p99"] == pytest.approx((first["ttft_s"]["p99"] + second["ttft_s"]["p99"]) / 2)


def test_policies_are_compared_on_the_same_requests(compared: Compared) -> None:
    offered = [[run.score.offered for run in compared[0].of(each)] for each in compared[0].contenders]
    assert offered[0] == offered[1] == offered[2]


def test_static_best_is_never_worse_than_its_options_allow(compared: Compared) -> None:
    for numbers in results(compared[1])["policies"]["static-best"]["seeds"]:
        assert numbers["found"]["target_reached"] == (numbers["attainment"] >= 0.99 * numbers["attainable"])
        assert numbers["found"]["replicas"].keys() == {"a100", "h100"}
        assert (numbers["scale_ups"], numbers["scale_downs"]) == (0, 0)


def test_journals_tell_the_decisions(compared: Compared) -> None:
    with Journal(compared[1] / JOURNALS / "static-best-seed2.journal") as journal:
        assert (journal.run.policy, journal.run.seed, journal.run.scenario) == ("static-best", 2, "tiny")
        assert len(journal) >= 18


class Page(HTMLParser):
    """Collects what a page refers to, and checks that its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "path", "use"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value:
                self.references.append(value)
            if name == "id" and value:
                self.ids.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "path", "use"):
            assert self.open.pop() == tag


def test_the_page_needs_nothing_else(compared: Compared) -> None:
    text = (compared[1] / PAGE).read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    # Figures refer to their own glyphs, and nothing to anywhere else.
    assert all(reference.startswith("#") and reference[1:] in page.ids for reference in page.references)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert text.count("<svg") == 2 * len(FIGURES)
    assert "prefers-color-scheme: dark" in text


def test_names_are_escaped(tmp_path: Path) -> None:
    out = tmp_path / "out"
    odd = TINY.replace("name: tiny", "name: <b>&tiny").replace("90s", "20s").replace("[60s, 40], ", "")
    scenario = override(load_scenario(tiny(tmp_path, odd)), seeds=[3])
    compare(scenario, parse_contenders(["static"]), out)
    assert "<h1>&lt;b&gt;&amp;tiny</h1>" in (out / PAGE).read_text()


def test_the_table_has_a_cell_for_each_policy(compared: Compared) -> None:
    rows = {row.heading: row for row in table_rows(compared[0])}
    assert all(len(row.cells) == 3 for row in rows.values())
    assert {"met, of attainable", "failed", "cost", "a100 replica-hours", "scale ups / downs"} <= rows.keys()
    assert rows["met, after 10 min"].cells == ("-", "-", "-")
    # What is best on average is marked, and only where more or less is better.
    assert rows["met, of attainable"].best
    assert not rows["a100 replica-hours"].best


def test_every_model_has_its_rows_and_its_numbers(compared: Compared) -> None:
    rows = {row.heading: row for row in table_rows(compared[0])}
    for model in ("chat", "code"):
        assert {f"{model} (priority 0): {what}" for what in ("met", "failed", "p99 TTFT")} <= rows.keys()
    for policy in results(compared[1])["policies"].values():
        for numbers in policy["seeds"]:
            for field in ("offered", "completed", "met"):
                assert sum(part[field] for part in numbers["by_model"].values()) == numbers[field]


def test_one_model_is_not_told_apart(tmp_path: Path) -> None:
    out = tmp_path / "out"
    alone = re.sub(r"(?m)^  - model: code\n(    .*\n)+|^  code: .*\n|^  - \{name: h100.*\n|^crashes.*\n", "", TINY)
    scenario = override(load_scenario(tiny(tmp_path, alone)), seeds=[1], duration_s=20.0)
    comparison = compare(scenario, parse_contenders(["static"]), out)
    assert results(out)["policies"]["static"]["median"]["by_model"] == {}
    assert not any("priority" in row.heading for row in table_rows(comparison))
    assert {path.name for path in out.glob("*.png")} == set(FIGURES) - {"gpus.png"}


def test_sentences_say_who_was_served_by_what_and_at_which_cost(compared: Compared) -> None:
    first, *others = sentences(compared[0])
    assert re.fullmatch(
        r"static served \S+ % of \S+ requests within the objectives, on \S+ a100 \+ \S+ h100 replicas, for \$\S+\.",
        first,
    )
    assert len(others) == 2
    assert all("misses" in other and "cost" in other for other in others)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_in_other_processes(compared: Compared, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told: list[str] = []
    watcher = Watcher(finished=lambda report: told.append(report.task.name))
    scenario = load_scenario(tiny(tmp_path))
    compare(scenario, parse_contenders(["static", "hpa", "static-best"]), out, jobs=2, watcher=watcher)
    assert without_timings(results(out)) == without_timings(results(compared[1]))
    assert sorted(told) == sorted(f"{label}, seed {n}" for label in ("static", "hpa", "static-best") for n in (1, 2))


def test_the_shown_seed_is_the_one_in_the_middle(compared: Compared) -> None:
    data = as_results(compared[0])
    means = {
        seed: sum(policy["seeds"][index]["attainment"] for policy in data["policies"].values())
        for index, seed in enumerate(data["seeds"])
    }
    assert data["shown_seed"] == min(means, key=lambda seed: means[seed])


@pytest.mark.parametrize("jobs", [1, 2])
def test_traffic_that_never_comes_is_told_in_one_line(tmp_path: Path, jobs: int) -> None:
    silent = re.sub(r"rate: .*,\n", "rate: [[0s, 0], [60s, 0.000001]],\n", TINY)
    scenario = load_scenario(tiny(tmp_path, silent))
    with pytest.raises(UserError, match=r"no request arrives with seed [12]"):
        compare(scenario, parse_contenders(["static"]), tmp_path / "out", jobs=jobs)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


@pytest.mark.slow
def test_clairvoyant_brings_a_bound_for_everybody(tmp_path: Path) -> None:
    scenario = override(load_scenario(tiny(tmp_path)), seeds=(1,))
    comparison = compare(scenario, parse_contenders(["static", "clairvoyant"]), tmp_path / "out")
    data = results(tmp_path / "out")["policies"]
    for policy in data.values():
        (numbers,) = policy["seeds"]
        assert 0 < numbers["bound"] <= numbers["cost"]
    found = data["clairvoyant"]["seeds"][0]["found"]
    assert found["target_reached"]
    assert data["clairvoyant"]["configuration"] == {"name": "clairvoyant", "attainment": 0.99}
    assert data["clairvoyant"]["median"]["attainment"] >= 0.99 * data["clairvoyant"]["median"]["attainable"]
    (row,) = [row for row in table_rows(comparison) if row.heading == "least cost of any policy"]
    assert len(row.cells) == 2


def test_without_it_there_is_no_bound(compared: Compared) -> None:
    assert all(compared[0].bounds(contender) is None for contender in compared[0].contenders)
    assert "least cost of any policy" not in [row.heading for row in table_rows(compared[0])]

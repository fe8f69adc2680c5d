"""Run what others published as scenarios, and put both side by side.

    ./dev python -m bench.published --out out/published

takes a minute; it writes ``results.json`` and the figures to ``--out``, and the tables and figures to ``docs/``. The
prose of ``docs/published.md`` stays as it is.
"""

import argparse
import json
import shutil
from dataclasses import asdict
from pathlib import Path

from bench.published import figures, tables
from bench.published.cases import BENCHMARK, BURSTY, QUESTIONS, Row
from bench.published.episode import run_episodes
from bench.published.knee import run_sweeps
from bench.published.measure import Measured, measured, run_all
from bench.published.paper import run_paper

DOCS = Path(__file__).resolve().parents[2] / "docs"
FIGURES = ("published-benchmark.png", "published-slo-aware.png", "published-paper.png")


def run_rows(rows: list[Row]) -> list[tuple[Row, Measured]]:
    """Run each row on every seed of its scenario."""
    return [(row, measured(run_all(row.scenario(), row.policy, row.options_file))) for row in rows]


def main() -> None:
    """Run, tabulate, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/published"))
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    rows, questions = run_rows([*BENCHMARK, BURSTY]), run_rows(QUESTIONS)
    episodes, sweeps, paper = run_episodes(), run_sweeps(), run_paper()
    written = {
        "benchmark": tables.benchmark(rows),
        "targets": tables.targets(rows),
        "questions": tables.benchmark(questions),
        "knee": tables.sweeps(sweeps),
        "slo-aware": tables.episode(episodes),
        "paper": tables.paper(paper),
    }
    numbers = [{"load": row.load, "row": row.name, **asdict(found)} for row, found in [*rows, *questions]]
    (out / "results.json").write_text(json.dumps({"rows": numbers, "tables": written}, indent=1) + "\n")
    benchmark, slo_aware, situations = FIGURES
    figures.draw_benchmark(rows, out / benchmark)
    figures.draw_episode(episodes, out / slo_aware)
    figures.draw_paper(paper, out / situations)
    for name in FIGURES:
        shutil.copyfile(out / name, DOCS / name)
    page = DOCS / "published.md"
    page.write_text(tables.put(page.read_text(encoding="utf-8"), written), encoding="utf-8")
    for name, table in written.items():
        print(f"{name}\n\n{table}")


if __name__ == "__main__":
    main()

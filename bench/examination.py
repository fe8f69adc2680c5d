"""The examination: wva against HPA and the best static fleet on the shared scenarios, in both queue modes.

    ./dev python bench/examination.py --scenarios ../shared/scenarios --out out/examination

runs ``wva compare`` for every scenario and queue mode, five seeds each, and writes ``docs/examination.md`` (the table)
and ``docs/examination.png`` (the figure). ``--only-summary`` makes both anew from the results of an earlier run.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

SCENARIOS = ("azure-code", "burst-and-ramp", "reasoning", "chat-day")
QUEUES = ("engine", "gateway")
POLICIES = ("hpa", "wva", "static-best")
COLOURS = {"hpa": "#d9772b", "wva": "#1f6fd6", "static-best": "#7a8794"}
DOCS = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many seeds pass a bar."""

    passed: int
    seeds: int

    def __str__(self) -> str:
        return f"{self.passed}/{self.seeds}"


def against_hpa(wva: dict[str, Any], hpa: dict[str, Any]) -> bool:
    """Half of its misses at no more cost, or its attainment at three quarters of its cost; and few failures."""
    attainable = wva["attainable"]
    half = attainable - wva["attainment"] <= 0.5 * (attainable - hpa["attainment"]) and wva["cost"] <= hpa["cost"]
    cheap = wva["attainment"] >= hpa["attainment"] and wva["cost"] <= 0.75 * hpa["cost"]
    failures = wva["failed"]["sum"] <= max(0.1 * hpa["failed"]["sum"], 0.001 * wva["offered"])
    return bool((half or cheap) and failures)


def against_static(wva: dict[str, Any], static: dict[str, Any]) -> bool:
    """Its attainment within one point, at 0.9 of its cost."""
    return bool(wva["attainment"] >= static["attainment"] - 0.01 and wva["cost"] <= 0.9 * static["cost"])


def verdict(bar: Any, results: dict[str, Any], opponent: str) -> Verdict:
    """Seeds, paired, that pass the bar."""
    policies = results["policies"]
    pairs = list(zip(policies["wva"]["seeds"], policies[opponent]["seeds"], strict=True))
    return Verdict(sum(bar(wva, other) for wva, other in pairs), len(pairs))


def run(scenarios: Path, out: Path) -> None:
    """Run every comparison."""
    for scenario in SCENARIOS:
        for queue in QUEUES:
            command = [str(Path(sys.executable).parent / "wva"), "compare", str(scenarios / f"{scenario}.yaml")]
            command += ["--queue", queue]
            command += [part for policy in POLICIES for part in ("--policy", policy)]
            subprocess.run([*command, "--out", str(out / f"{scenario}-{queue}")], check=True)


def load(out: Path) -> Iterator[dict[str, Any]]:
    """The results of every comparison."""
    for scenario in SCENARIOS:
        for queue in QUEUES:
            yield json.loads((out / f"{scenario}-{queue}" / "results.json").read_text())


def table(all_results: list[dict[str, Any]]) -> str:
    """Medians of the seeds, and the seeds that pass each bar, as Markdown."""
    lines = [
        "| scenario, queue | policy | attainment | failed | P99 TTFT | cost | bar: hpa | bar: static-best |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for results in all_results:
        for policy in POLICIES:
            median = results["policies"][policy]["median"]
            bars = ["", ""]
            if policy == "wva":
                bars = [
                    str(verdict(against_hpa, results, "hpa")),
                    str(verdict(against_static, results, "static-best")),
                ]
            lines.append(
                f"| {results['scenario']}, {results['queue']} | {policy} | {median['attainment']:.4f} "
                f"| {median['failed']['sum']:,.0f} | {median['ttft_s']['p99']:.2f} s | ${median['cost']:.2f} "
                f"| {bars[0]} | {bars[1]} |"
            )
    return "\n".join(lines) + "\n"


def figure(all_results: list[dict[str, Any]], path: Path) -> None:
    """Attainment against cost of every seed, a panel for each scenario; filled is the engine queue."""
    panels, axes = plt.subplots(1, len(SCENARIOS), figsize=(15, 4.2))
    for axis, scenario in zip(axes, SCENARIOS, strict=True):
        for results in all_results:
            if results["scenario"] != scenario:
                continue
            for policy in POLICIES:
                seeds = results["policies"][policy]["seeds"]
                filled = results["queue"] == "engine"
                axis.scatter(
                    [seed["cost"] for seed in seeds],
                    [100 * seed["attainment"] for seed in seeds],
                    s=46,
                    facecolors=COLOURS[policy] if filled else "white",
                    edgecolors=COLOURS[policy],
                    linewidths=1.4,
                    label=f"{policy}, {results['queue']} queue",
                )
        axis.set_title(scenario, loc="left", fontweight="bold")
        axis.set_xlabel("cost ($)")
        axis.set_xlim(left=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#e4e8ec")
        axis.set_axisbelow(True)
    axes[0].set_ylabel("requests within objectives (%)")
    handles, labels = axes[0].get_legend_handles_labels()
    panels.legend(handles, labels, loc="upper center", ncols=6, frameon=False)
    panels.tight_layout(rect=(0, 0, 1, 0.92))
    panels.savefig(path, dpi=150)


def main() -> None:
    """Run and summarise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", type=Path, default=Path("../shared/scenarios"))
    parser.add_argument("--out", type=Path, default=Path("out/examination"))
    parser.add_argument("--only-summary", action="store_true")
    arguments = parser.parse_args()
    if not arguments.only_summary:
        run(arguments.scenarios, arguments.out)
    results = list(load(arguments.out))
    DOCS.mkdir(exist_ok=True)
    (DOCS / "examination.md").write_text(table(results))
    figure(results, DOCS / "examination.png")
    print(table(results))


if __name__ == "__main__":
    main()

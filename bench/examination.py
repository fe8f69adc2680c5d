"""The bars against an untuned HPA and the best static fleet, on every seed of a frontier.

``./dev wva frontier SCENARIO... --out out/frontier`` makes the runs; this reads its ``frontier.json``, takes of it the
default configurations of ``wva`` and ``hpa`` and the static fleet chosen for 99 % of what is attainable, and writes
``docs/examination.md`` and its figure, ``docs/examination.png``.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

POLICIES = ("hpa", "wva", "static-best")
COLOURS = {"hpa": "#d9772b", "wva": "#1f6fd6", "static-best": "#7a8794"}
DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = """# Defaults against an untuned HPA and the best fixed fleet

```sh
./dev python bench/examination.py out/frontier/frontier.json
```

made this page of the runs of [frontier.md](frontier.md): `wva` as it is by default, an untuned `hpa`, and the
cheapest fixed fleet that meets 99 % of what is attainable, found with hindsight. Medians of five seeds, and how many
of them keep the bars. Against `hpa`: half of its misses at no more cost, or its attainment at 0.75 of its cost, and
failures at most a tenth of its (or 0.1 %). Against `static-best`: its attainment within one point at 0.9 of its cost.

![Attainment against cost](examination.png)

"""

Run = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many seeds pass a bar."""

    passed: int
    seeds: int

    def __str__(self) -> str:
        return f"{self.passed}/{self.seeds}"


def against_hpa(wva: Run, hpa: Run) -> bool:
    """Half of its misses at no more cost, or its attainment at three quarters of its cost; and few failures."""
    half = 1.0 - wva["attainment"] <= 0.5 * (1.0 - hpa["attainment"]) and wva["cost"] <= hpa["cost"]
    cheap = wva["attainment"] >= hpa["attainment"] and wva["cost"] <= 0.75 * hpa["cost"]
    failures = wva["failed"] <= max(0.1 * hpa["failed"], 0.001 * wva["offered"])
    return bool((half or cheap) and failures)


def against_static(wva: Run, static: Run) -> bool:
    """Its attainment within one point, at 0.9 of its cost."""
    near = wva["attainment_of_offered"] >= static["attainment_of_offered"] - 0.01
    return bool(near and wva["cost"] <= 0.9 * static["cost"])


def verdict(bar: Any, spots: dict[str, Any], opponent: str) -> Verdict:
    """Seeds, paired, that pass the bar."""
    pairs = list(zip(spots["wva"]["runs"], spots[opponent]["runs"], strict=True))
    return Verdict(sum(bar(wva, other) for wva, other in pairs), len(pairs))


def examined(panel: dict[str, Any]) -> dict[str, Any]:
    """The default configurations, and the chosen static fleet, by policy."""
    curves = {curve["name"]: curve for curve in panel["curves"]}
    static = curves["static-best"]
    return {
        "hpa": next(spot for spot in curves["hpa"]["spots"] if spot["label"] == "defaults"),
        "wva": next(spot for spot in curves["wva"]["spots"] if spot["label"].endswith("(default)")),
        "static-best": static["spots"][static["chosen"]],
    }


def median(spot: dict[str, Any], field: str) -> float:
    """The median of a field over the seeds."""
    values = sorted(run[field] for run in spot["runs"])
    return float(values[len(values) // 2])


def table(panels: list[dict[str, Any]]) -> str:
    """Medians of the seeds, and the seeds that pass each bar, as Markdown."""
    lines = [
        "| scenario, queue | policy | attainment | failed | P99 TTFT | cost | bar: hpa | bar: static-best |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for panel in panels:
        spots = examined(panel)
        for policy in POLICIES:
            spot, bars = spots[policy], ("", "")
            if policy == "wva":
                bars = (
                    str(verdict(against_hpa, spots, "hpa")),
                    str(verdict(against_static, spots, "static-best")),
                )
            lines.append(
                f"| {panel['scenario']}, {panel['queue']} | {policy} | {median(spot, 'attainment_of_offered'):.4f} "
                f"| {median(spot, 'failed'):,.0f} | {median(spot, 'ttft_p99_s'):.2f} s | ${median(spot, 'cost'):.2f} "
                f"| {bars[0]} | {bars[1]} |"
            )
    return "\n".join(lines) + "\n"


def figure(panels: list[dict[str, Any]], path: Path) -> None:
    """Attainment against cost of every seed, one plot for each scenario; filled is the engine queue."""
    scenarios = list(dict.fromkeys(panel["scenario"] for panel in panels))
    drawn, axes = plt.subplots(1, len(scenarios), figsize=(3.75 * len(scenarios), 4.2), squeeze=False)
    for axis, scenario in zip(axes[0], scenarios, strict=True):
        for panel in panels:
            if panel["scenario"] != scenario:
                continue
            for policy, spot in examined(panel).items():
                axis.scatter(
                    [run["cost"] for run in spot["runs"]],
                    [100 * run["attainment_of_offered"] for run in spot["runs"]],
                    s=46,
                    facecolors=COLOURS[policy] if panel["queue"] == "engine" else "white",
                    edgecolors=COLOURS[policy],
                    linewidths=1.4,
                    label=f"{policy}, {panel['queue']} queue",
                )
        axis.set_title(scenario, loc="left", fontweight="bold")
        axis.set_xlabel("cost ($)")
        axis.set_xlim(left=0)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#e4e8ec")
        axis.set_axisbelow(True)
    axes[0][0].set_ylabel("requests within objectives (%)")
    handles, labels = axes[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="upper center", ncols=6, frameon=False)
    drawn.tight_layout(rect=(0, 0, 1, 0.92))
    drawn.savefig(path, dpi=150)


def main() -> None:
    """Read and summarise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frontier", type=Path, help="the frontier.json that wva frontier wrote")
    panels = json.loads(parser.parse_args().frontier.read_text())["panels"]
    DOCS.mkdir(exist_ok=True)
    (DOCS / "examination.md").write_text(PAGE + table(panels))
    figure(panels, DOCS / "examination.png")
    print(table(panels))


if __name__ == "__main__":
    main()

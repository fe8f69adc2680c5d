"""The bars of the examination on traffic that the brain was not looked at with.

``./dev wva compare SCENARIO --policy hpa --policy wva --policy static-best --seeds 1,2,3 --queue QUEUE --out DIR``
makes the runs, one directory for each scenario of ``scenarios/other-traffic`` and queue; this reads their
``results.json`` and prints the table of docs/other-traffic.md::

    ./dev python -m bench.other_traffic DIR...
"""

import argparse
import json
from pathlib import Path
from typing import Any

from bench.examination import table


def panel(directory: Path) -> dict[str, Any]:
    """One comparison in the shape of a frontier's panel, each policy with the configuration that it ran with."""
    results = json.loads((directory / "results.json").read_text())
    labels = {"wva": "(default)", "hpa": "defaults"}
    curves = []
    for name, found in results["policies"].items():
        spot = {"label": labels.get(name, name), "runs": [run(seed) for seed in found["seeds"]]}
        curves.append({"name": name, "chosen": 0, "spots": [spot]})
    return {"scenario": results["scenario"], "queue": results["queue"], "curves": curves}


def run(seed: dict[str, Any]) -> dict[str, Any]:
    """One seed as a frontier tells it."""
    return {
        "attainment": seed["attainment"] / seed["attainable"],
        "attainment_of_offered": seed["attainment"],
        "cost": seed["cost"],
        "failed": seed["failed"]["sum"],
        "offered": seed["offered"],
        "ttft_p99_s": seed["ttft_s"]["p99"],
    }


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparisons", nargs="+", type=Path, help="directories that wva compare filled")
    print(table([panel(directory) for directory in parser.parse_args().comparisons]), end="")


if __name__ == "__main__":
    main()

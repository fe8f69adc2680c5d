"""The bars, on made-up runs."""

from typing import Any

import pytest
from bench.examination import against_hpa, against_static, table


def run(attainment: float, cost: float, failed: int = 0) -> dict[str, Any]:
    return {
        "attainment": attainment,
        "attainment_of_offered": attainment,
        "cost": cost,
        "failed": failed,
        "offered": 10_000,
        "ttft_p99_s": 1.0,
    }


@pytest.mark.parametrize(
    ("wva", "kept"),
    [
        (run(0.90, 100.0), True),  # half of the misses at as much
        (run(0.90, 100.1), False),
        (run(0.89, 100.0), False),
        (run(0.80, 75.0), True),  # as good at three quarters
        (run(0.80, 75.1), False),
        (run(0.79, 50.0), False),
        (run(0.95, 50.0, failed=20), True),  # a tenth of its failures
        (run(0.95, 50.0, failed=21), False),
    ],
)
def test_the_bar_against_hpa(wva: dict[str, Any], kept: bool) -> None:
    assert against_hpa(wva, run(0.80, 100.0, failed=200)) is kept


def test_few_failures_are_allowed_whatever_hpa_has() -> None:
    assert against_hpa(run(0.95, 50.0, failed=10), run(0.80, 100.0))
    assert not against_hpa(run(0.95, 50.0, failed=11), run(0.80, 100.0))


@pytest.mark.parametrize(
    ("wva", "kept"), [(run(0.98, 90.0), True), (run(0.979, 90.0), False), (run(0.999, 90.1), False)]
)
def test_the_bar_against_the_fixed_fleet(wva: dict[str, Any], kept: bool) -> None:
    assert against_static(wva, run(0.99, 100.0)) is kept


def test_the_table_has_medians_and_the_seeds_that_keep_the_bars() -> None:
    def curve(name: str, label: str, *runs: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, "chosen": 0, "spots": [{"label": label, "runs": list(runs)}]}

    panel = {
        "scenario": "waves",
        "queue": "engine",
        "curves": [
            curve("hpa", "defaults", run(0.8, 100.0), run(0.8, 100.0), run(0.8, 100.0)),
            curve("wva", "headroom 0.36 (default)", run(0.9, 80.0), run(0.91, 90.0), run(0.8, 100.0)),
            curve("static-best", "3 h100", run(0.915, 100.0), run(0.92, 100.0), run(0.99, 100.0)),
        ],
    }
    assert "| waves, engine | wva | 0.9000 | 0 | 1.00 s | $90.00 | 2/3 | 1/3 |" in table([panel])

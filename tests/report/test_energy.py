"""Energy in numbers, from readings by hand: an A100 variant and one of two H100."""

from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from tests.report.results import requests, run
from tests.report.tiny import TINY, tiny
from wva.engine.power import ServerPower
from wva.report.compare import compare
from wva.report.comparison import Comparison
from wva.report.contenders import parse_contenders
from wva.report.energy import EnergyUse
from wva.report.figures.power import draw_power
from wva.report.figures.theme import WIDE, style
from wva.report.score import score
from wva.report.series import series
from wva.report.summary import emissions, energy, energy_per_token, table_rows
from wva.scenario.load import load_scenario
from wva.simulate.energy import energy_drawn
from wva.simulate.result import Energy, RunResult

PS = 10**12
A100 = ServerPower(standing_w=85.0, streaming_w=200.0, saturated_w=300.0)
H100 = ServerPower(standing_w=216.0, streaming_w=700.0, saturated_w=1100.0)


def drawn(h100: ServerPower | None = H100) -> Energy:
    """Both idle for 10 s; then the A100 goes, and the H100s work for 20 s, saturated for 5 of them; then they go."""
    readings = [
        (0, [[0, 0, 0], [0, 0, 0]]),
        (10 * PS, [[10 * PS, 0, 0], [10 * PS, 0, 0]]),
        (30 * PS, [[10 * PS, 0, 0], [30 * PS, 20 * PS, 5 * PS]]),
        (1010 * PS, [[10 * PS, 0, 0], [30 * PS, 20 * PS, 5 * PS]]),
    ]
    return energy_drawn(readings, [A100, h100])


def result(energy_of_run: Energy | None) -> RunResult:
    answers = requests((0.0, 1.0, 2.0, 30), (1.0, 2.0, 3.0, 70))
    return replace(run(answers), energy=energy_of_run, co2_kg=0.5)


def test_energy_by_variant_and_part() -> None:
    # Standing: 85 W for 10 s, 216 W for 30 s. Dynamic: 15 s of 700 W and 5 s of 1,100 W.
    scored = score(result(drawn())).energy
    a100, h100 = scored.by_variant["a100"], scored.by_variant["h100"]
    assert astuple(a100) == pytest.approx((850 / 3.6e6, 850 / 3.6e6, 0.0))
    assert astuple(h100) == pytest.approx(((6480 + 16_000) / 3.6e6, 6480 / 3.6e6, 16_000 / 3.6e6))
    total = 850 + 6480 + 16_000
    assert scored.kwh == pytest.approx(total / 3.6e6)
    assert (scored.standing_kwh, scored.dynamic_kwh) == pytest.approx((7330 / 3.6e6, 16_000 / 3.6e6))
    # 100 tokens of answers; the run ends after 1,010 s.
    assert scored.j_per_output_token == pytest.approx(total / 100)
    assert scored.mean_w == pytest.approx(total / 1010)
    # Between the scrapes at 10 and at 30 s.
    assert scored.peak_w == pytest.approx(216 + 16_000 / 20)
    assert scored.co2_kg == 0.5


def test_energy_of_an_unknown_power_is_unknown_not_nothing() -> None:
    scored = score(result(drawn(h100=None))).energy
    assert scored.by_variant["a100"].kwh == pytest.approx(850 / 3.6e6)
    assert scored.by_variant["h100"] == EnergyUse(None, None, None)
    assert (scored.kwh, scored.j_per_output_token, scored.mean_w, scored.peak_w) == (None, None, None, None)
    assert score(result(None)).energy.kwh is None


def test_power_over_time_keeps_the_energy() -> None:
    # A window of 1,000 s has bins of 5 s; the run goes on for 10 s more.
    found = series(result(drawn()))
    assert found.power_time_s.tolist() == [5.0 * n for n in range(203)]
    assert found.power_w[:2].tolist() == [[[85, 0], [216, 0]]] * 2
    assert found.power_w[2:6].tolist() == pytest.approx(np.array([[[0, 0], [216, 800]]] * 4))
    assert not found.power_w[6:].any()
    assert (found.power_w.sum(axis=(1, 2)) * np.diff(found.power_time_s)).sum() == pytest.approx(23_330)


def test_a_comparison_shows_energy_where_it_is_known(compared: tuple[Comparison, Path]) -> None:
    rows = {row.heading: row.cells for row in table_rows(compared[0])}
    assert all(cell.endswith(" kWh") for cell in rows["energy of GPUs"])
    assert all(cell.endswith(" J") for cell in rows["energy a token"])
    # The scenario says nothing of the carbon intensity.
    assert "CO2" not in rows
    for run_report in compared[0].runs:
        seen = run_report.score.energy
        assert seen.kwh is not None
        assert seen.mean_w is not None
        assert seen.kwh * 3.6e6 == pytest.approx(seen.mean_w * run_report.score.end_s)
        assert seen.kwh == pytest.approx(sum(use.kwh or 0.0 for use in seen.by_variant.values()))
        # At most 4 A100 of 400 W and 2 H100 of 700 W, and those that drain beside them.
        assert seen.mean_w <= (seen.peak_w or 0.0) <= 2 * (4 * 400 + 2 * 700)


def test_without_any_energy_there_is_no_figure_of_it(compared: tuple[Comparison, Path]) -> None:
    comparison = compared[0]
    unknown = [
        replace(each, series=replace(each.series, power_w=each.series.power_w * np.nan)) for each in comparison.runs
    ]
    with style(WIDE):
        assert draw_power(replace(comparison, runs=tuple(unknown)), WIDE) is None


def test_emissions_are_shown_where_the_intensity_is_known(tmp_path: Path) -> None:
    text = TINY.replace("seeds: [1, 2]", "seeds: [1]\npower: {pue: 2, carbon_intensity: 500}")
    comparison = compare(load_scenario(tiny(tmp_path, text)), parse_contenders(["static"]), tmp_path / "out")
    (report,) = comparison.runs
    assert report.score.energy.co2_kg == pytest.approx((report.score.energy.kwh or 0.0) * 2 * 0.5)
    assert {row.heading: row.cells for row in table_rows(comparison)}["CO2"][0].endswith(" kg")
    assert "500 g of CO2 a kWh" in (tmp_path / "out" / "report.html").read_text()


def test_quantities_in_words() -> None:
    said = {None: "-", 0.4491: "0.449 kWh", 68.56: "68.6 kWh", 999.4: "999 kWh", 999.5: "1 MWh", 1234.0: "1.23 MWh"}
    assert {kwh: energy(kwh) for kwh in said} == said
    assert [energy_per_token(joules) for joules in (None, 0.3351, 1234.5)] == ["-", "0.335 J", "1,234 J"]
    assert [emissions(kilograms) for kilograms in (None, 12.34)] == ["-", "12.3 kg"]

"""The numbers that people compare, as text: rows for a table, and a few plain sentences."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wva.fleet.model import Model
from wva.report.comparison import Comparison

UNKNOWN = "-"

Numbers = Mapping[str, Any]
"""One policy's numbers, as results.json has them."""


@dataclass(frozen=True, slots=True)
class Row:
    """One number of every policy."""

    heading: str
    cells: tuple[str, ...]
    """In the order of the policies."""
    best: frozenset[int] = frozenset()
    """Which cells are the best, where less or more is better."""


def table_rows(comparison: Comparison) -> list[Row]:
    """The table's rows, medians over the seeds."""
    medians = [comparison.median(contender) for contender in comparison.contenders]
    rows = [
        _row("met, of attainable", medians, lambda n: _ratio(n["attainment"], n["attainable"]), percent, most=True),
        _row("met, of offered", medians, lambda n: n["attainment"], percent, most=True),
        _row("met, strict TPOT", medians, lambda n: n["attainment_strict"], percent, most=True),
        _row("met, after 10 min", medians, lambda n: n["attainment_after_600s"], percent, most=True),
        _row("failed", medians, lambda n: n["failed"]["sum"], count, most=False),
        _row("p99 TTFT, of answered", medians, lambda n: n["ttft_s"]["p99"], seconds, most=None),
        _row("cost", medians, lambda n: n["cost"], dollars, most=False),
        _row("cost, ready only", medians, lambda n: n["cost_ready_only"], dollars, most=None),
        *_bound_row(comparison),
        *_energy_rows(medians),
    ]
    for model in _by_priority(comparison):
        parts = [numbers["by_model"][model.name] for numbers in medians]
        name = f"{model.name} (priority {model.priority})"
        rows.append(_row(f"{name}: met", parts, lambda n: n["attainment"], percent, most=True))
        rows.append(_row(f"{name}: failed", parts, lambda n: n["failed"]["sum"], count, most=False))
        rows.append(_row(f"{name}: p99 TTFT", parts, lambda n: n["ttft_s"]["p99"], seconds, most=None))
    for variant in comparison.variants:
        heading = f"{variant.name} replica-hours"
        rows.append(Row(heading, tuple(hours(numbers["replica_hours"][variant.name]) for numbers in medians)))
    changes = [f"{count(numbers['scale_ups'])} / {count(numbers['scale_downs'])}" for numbers in medians]
    rows.append(Row("scale ups / downs", tuple(changes)))
    rows.append(Row("decision p50 / p99, ms", tuple(_decision(n["decision_ms"]) for n in medians)))
    return rows


def _bound_row(comparison: Comparison) -> list[Row]:
    """What no policy undercuts that meets and answers as many, where it was worked out."""
    bounds = [comparison.bounds(contender) for contender in comparison.contenders]
    cells = tuple(dollars(statistics.median(each)) for each in bounds if each is not None)
    return [Row("least cost of any policy", cells)] if cells else []


def sentences(comparison: Comparison) -> list[str]:
    """Who was served, by what and at which cost; each policy after the first relative to it."""
    medians = [comparison.median(contender) for contender in comparison.contenders]
    labels = [contender.label for contender in comparison.contenders]
    first = medians[0]
    told = [
        f"{labels[0]} served {percent(first['attainment'])} of {count(first['offered'])} requests within the "
        f"objectives, on {_fleet(first)}, for {dollars(first['cost'])}."
    ]
    for label, numbers in zip(labels[1:], medians[1:], strict=True):
        told.append(
            f"{label} served {percent(numbers['attainment'])}, on {_fleet(numbers)}, for "
            f"{dollars(numbers['cost'])}: {_misses(numbers, first, labels[0])} {_cost(numbers, first)}."
        )
    return told


def percent(share: float | None) -> str:
    """A share as a percentage that does not round up to 100."""
    if share is None:
        return UNKNOWN
    return f"{100 * share:.1f} %" if share < 0.99 or share == 1 else f"{min(100 * share, 99.99):.2f} %"


def count(number: float | None) -> str:
    """A number of things; medians of few can lie halfway between two."""
    if number is None:
        return UNKNOWN
    return f"{number:,.0f}" if number == int(number) or number >= 100 else f"{number:,.1f}"


def seconds(value: float | None) -> str:
    """A latency."""
    if value is None:
        return UNKNOWN
    return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"


def dollars(value: float | None) -> str:
    """A cost."""
    return UNKNOWN if value is None else f"${value:,.2f}" if value < 1000 else f"${value:,.0f}"


def hours(value: float | None) -> str:
    """Replica-hours."""
    return UNKNOWN if value is None else f"{value:,.1f}"


def energy(kwh: float | None) -> str:
    """Energy of GPUs."""
    if kwh is None:
        return UNKNOWN
    return f"{_digits(kwh)} kWh" if kwh < 999.5 else f"{_digits(kwh / 1000)} MWh"


def energy_per_token(joules: float | None) -> str:
    """Energy for a token of an answer."""
    return UNKNOWN if joules is None else f"{_digits(joules)} J"


def emissions(kilograms: float | None) -> str:
    """A mass of CO2."""
    return UNKNOWN if kilograms is None else f"{_digits(kilograms)} kg"


def _digits(value: float) -> str:
    """Three digits, or more where they stand before the point."""
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def duration(value: float) -> str:
    """A long time in round numbers: ``24 h``, ``1.5 h``, ``57 min``, ``45 s``."""
    for unit, length, digits in (("h", 3600, 1), ("min", 60, 0)):
        if value >= 1.5 * length:
            return f"{round(value / length, digits):g} {unit}"
    return f"{value:.4g} s"


def _by_priority(comparison: Comparison) -> list[Model]:
    """The models, the highest priority first, where there is more than one."""
    models = comparison.models
    return sorted(models, key=lambda model: -model.priority) if len(models) > 1 else []


def _row(
    heading: str,
    medians: Sequence[Numbers],
    value: Callable[[Numbers], float | None],
    form: Callable[[float | None], str],
    *,
    most: bool | None,
) -> Row:
    """``most`` says whether the largest is the best; ``None`` where a lone number does not tell what is better."""
    values = [value(numbers) for numbers in medians]
    known = [number for number in values if number is not None]
    cells = tuple(form(number) for number in values)
    if most is None or not known or len(set(cells)) == 1:
        return Row(heading, cells)
    best = form(max(known) if most else min(known))
    return Row(heading, cells, frozenset(index for index, cell in enumerate(cells) if cell == best))


def _energy_rows(medians: Sequence[Numbers]) -> list[Row]:
    """What is known of the energy."""
    rows = [
        _row("energy of GPUs", medians, lambda n: n["energy"]["kwh"], energy, most=False),
        _row("energy a token", medians, lambda n: n["energy"]["j_per_output_token"], energy_per_token, most=False),
        _row("CO2", medians, lambda n: n["energy"]["co2_kg"], emissions, most=False),
    ]
    return [row for row in rows if set(row.cells) != {UNKNOWN}]


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _decision(times: Mapping[str, float | None]) -> str:
    return " / ".join(UNKNOWN if value is None else f"{value:.2f}" for value in (times["p50"], times["p99"]))


def _fleet(numbers: Numbers) -> str:
    """Mean replicas by variant."""
    parts = [f"{hours * 3600 / numbers['end_s']:.1f} {name}" for name, hours in numbers["replica_hours"].items()]
    return " + ".join(parts) + " replicas"


def _misses(numbers: Numbers, first: Numbers, label: str) -> str:
    misses, before = (_missed(each) for each in (numbers, first))
    if misses == before:
        return f"as many misses as {label}"
    if before == 0:
        return f"{count(misses)} misses where {label} had none"
    if misses == 0:
        return "no misses"
    if misses < before:
        return f"{percent(1 - misses / before)} fewer misses than {label}"
    times = misses / before
    return f"{times:.1f} times the misses of {label}" if times < 10 else f"{times:,.0f} times the misses of {label}"


def _missed(numbers: Numbers) -> float:
    """Attainable requests that were not met."""
    return float(max(numbers["attainable"] * numbers["offered"] - numbers["met"], 0.0))


def _cost(numbers: Numbers, first: Numbers) -> str:
    if not first["cost"]:
        return f"for {dollars(numbers['cost'])} more"
    change = numbers["cost"] / first["cost"] - 1
    if abs(change) < 0.005:
        return "at the same cost"
    return f"at {100 * abs(change):.0f} % {'more' if change > 0 else 'less'} cost"

"""The numbers as Markdown, and their places in ``docs/published.md``, whose prose stays as it is."""

import re
from collections.abc import Mapping, Sequence

from bench.published.cases import LOADS, SLO_PUBLISHED, Published, Row
from bench.published.episode import Episode
from bench.published.knee import Stage, Sweep, knee, peak
from bench.published.measure import Measured
from bench.published.paper import Outcome, against_hpa

TTFT_WITHIN = 0.30
REPLICAS_WITHIN = 1.0

Results = Sequence[tuple[Row, Measured]]


def put(text: str, tables: Mapping[str, str]) -> str:
    """The text with each table between its ``<!-- numbers: NAME -->`` and ``<!-- end -->``.

    Raises:
        ValueError: A table has no place in the text, or a place no table.

    """
    places = re.findall(r"<!-- numbers: (\S+) -->", text)
    if sorted(places) != sorted(tables):
        raise ValueError(f"the text has places for {sorted(places)}, and there are {sorted(tables)}")
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- numbers: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def benchmark(results: Results) -> str:
    """Rows of the benchmark, published beside simulated."""
    head = [
        "| load, row | P99 TTFT, s | P99 ITL, ms | mean replicas | most | errors | simulated: sent, completed |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_benchmark_row(row, found) for row, found in results)]) + "\n"


def _benchmark_row(row: Row, found: Measured) -> str:
    was = row.published
    assert was is not None
    cells = [
        f"{row.load}, {row.name}",
        beside(was.p99_ttft_s, found.p99_ttft_s),
        beside(was.p99_itl_ms, found.p99_itl_ms),
        beside(was.mean_replicas, found.mean_replicas, 2),
        beside(was.most_replicas, found.most_replicas),
        beside(was.errors, found.errors, 0),
        f"{found.sent:,.0f}, {found.completed:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def targets(results: Results) -> str:
    """Whether P99 TTFT is within 30 % and replicas within one, for the rows that others published."""
    lines = [
        "| load, row | P99 TTFT, off by | mean replicas, off by | most replicas, off by | targets |",
        "|---|---|---|---|---|",
    ]
    for row, found in results:
        was = row.published
        assert was is not None
        ttft = None if found.p99_ttft_s is None else found.p99_ttft_s / was.p99_ttft_s - 1
        verdict = ", ".join(judged(row, was, found))
        mean, most = found.mean_replicas - was.mean_replicas, found.most_replicas - was.most_replicas
        off = "-" if ttft is None else f"{100 * ttft:+.0f} %"
        lines.append(f"| {row.load}, {row.name} | {off} | {mean:+.2f} | {most:+.1f} | {verdict} |")
    return "\n".join(lines) + "\n"


def judged(row: Row, was: Published, found: Measured) -> list[str]:
    """``met`` or what is not, of the targets that hold for the row."""
    missed = []
    off = None if found.p99_ttft_s is None else abs(found.p99_ttft_s / was.p99_ttft_s - 1)
    if row.target and (off is None or off > TTFT_WITHIN):
        missed.append("P99 TTFT not met")
    if abs(found.mean_replicas - was.mean_replicas) > REPLICAS_WITHIN:
        missed.append("mean replicas not met")
    if abs(found.most_replicas - was.most_replicas) > REPLICAS_WITHIN:
        missed.append("most replicas not met")
    return missed or ["met"]


def sweeps(found: Mapping[tuple[str, int], Sweep]) -> str:
    """Knee and peak of one replica."""
    lines = [
        "| one replica | knee | P99 TTFT before and at it | peak of output | at |",
        "|---|---|---|---|---|",
        "| published, load not stated | 2 /s | 0.136 s, 18.8 s | 1,901 tokens/s | 3 /s |",
    ]
    for (load, gpus), stages in found.items():
        lines.append(f"| {LOADS[load]} on {gpus} x H100 | {_knee_cells(stages)} | {_peak_cells(peak(stages))} |")
    return "\n".join(lines) + "\n"


def _knee_cells(stages: Sweep) -> str:
    at = knee(stages)
    if at is None:
        return "above the sweep | -"
    before = stages[stages.index(at) - 1]
    return f"{at.rate:g} /s | {number(before.measured.p99_ttft_s, 2)} s, {number(at.measured.p99_ttft_s)} s"


def _peak_cells(at: Stage) -> str:
    return f"{at.measured.output_tokens_per_s:,.0f} tokens/s | {at.rate:g} /s"


def episode(found: Mapping[str, Episode]) -> str:
    """The SLO-aware episode."""
    lines = ["| | within both objectives | mean replicas |", "|---|---|---|"]
    for name, one in found.items():
        was = SLO_PUBLISHED.get(name)
        share = f"{100 * one.attainment:.1f} %"
        mean = f"{one.mean_replicas:.2f}"
        if was is not None:
            share, mean = f"{100 * was[0]:.1f} % → {share}", f"{was[1]:.2f} → {mean}"
        lines.append(f"| {name} | {share} | {mean} |")
    return "\n".join(lines) + "\n"


def paper(found: Mapping[str, Mapping[str, Outcome]]) -> str:
    """Every policy in the paper's situations."""
    lines = [
        "| scenario | policy | met, /s | over HPA's | failed | HPA's over it | met | cost | mean power "
        "| most replicas | first order, ready |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    for scenario, outcomes in found.items():
        for policy, one in outcomes.items():
            throughput, failures = against_hpa(outcomes, policy)
            fewer = "none failed" if failures == float("inf") else f"{failures:.1f}"
            peaks = ", ".join(
                f"{peak:.1f} {variant.name}"
                for peak, variant in zip(one.peak_replicas, one.first.variants, strict=True)
            )
            lines.append(
                f"| {scenario} | {policy} | {one.effective_throughput_rps:.2f} | {throughput:.2f} | {one.failed:,.0f} "
                f"| {fewer} | {100 * one.attainment:.1f} % | ${one.cost:.2f} | {one.mean_w:,.0f} W | {peaks} "
                f"| {number(one.first_order_s, 0)} s, {number(one.first_ready_s, 0)} s |"
            )
    return "\n".join(lines) + "\n"


def beside(was: float, found: float | None, digits: int = 1) -> str:
    """A published number and the simulated one."""
    return f"{number(was, digits)} → {number(found, digits)}"


def number(value: float | None, digits: int = 1) -> str:
    """With thousands separated; a dash where it is unknown."""
    return "-" if value is None else f"{value:,.{digits}f}"

"""The figures: the benchmark's rows, the SLO-aware episode, the paper's five situations."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from bench.published.cases import LOADS, Published
from bench.published.episode import Episode
from bench.published.measure import Measured, is_completed, replicas_at_scrapes
from bench.published.paper import Outcome
from bench.published.tables import TTFT_WITHIN, Results
from wva.engine.batch.state import PICOSECONDS
from wva.report.colours import GRID, INK, MUTED, policy_colours
from wva.report.energy import mean_power_w
from wva.report.figures.canvas import short
from wva.report.figures.theme import WIDE, style
from wva.report.series import series

PUBLISHED, SIMULATED = "#e07b2e", "#1f6fe0"
_DOTS_PER_INCH = 150

_QUANTITIES: tuple[tuple[str, Callable[[Published], float], Callable[[Measured], float | None]], ...] = (
    ("P99 TTFT (s)", lambda was: was.p99_ttft_s, lambda found: found.p99_ttft_s),
    ("P99 between tokens (ms)", lambda was: was.p99_itl_ms, lambda found: found.p99_itl_ms),
    ("mean ready replicas", lambda was: was.mean_replicas, lambda found: found.mean_replicas),
    ("errors", lambda was: was.errors, lambda found: found.errors),
)


def draw_benchmark(results: Results, path: Path) -> None:
    """Published and simulated numbers of every row, a panel for each load and quantity."""
    with style(WIDE):
        figure = Figure(figsize=(12.5, 8.2), dpi=_DOTS_PER_INCH)
        panels = figure.subplots(len(LOADS), len(_QUANTITIES), sharex="col", sharey="row")
        for lines, load in zip(panels, LOADS, strict=True):
            rows = [(row, found) for row, found in results if row.load == load]
            for axes, (heading, of_published, of_simulated) in zip(lines, _QUANTITIES, strict=True):
                _dumbbells(axes, rows, of_published, of_simulated)
                if load == next(iter(LOADS)):
                    axes.set_title(heading, loc="left", color=INK, size=11, weight="bold")
            lines[0].set_yticks(range(len(rows)), [row.name for row, _ in rows])
            lines[0].set_ylim(len(rows) - 0.5, -0.5)
            lines[0].annotate(
                f"{load}\n{LOADS[load]} tokens", (-0.9, 1.04), xycoords="axes fraction", va="bottom", weight="bold"
            )
        for axes in panels[-1]:
            axes.set_xlim(left=-0.03 * axes.get_xlim()[1])
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        figure.text(0.012, 0.975, "llm-d's benchmark, published and simulated", size=15, weight="bold", va="top")
        figure.text(
            0.012,
            0.938,
            "Qwen3-32B on single H100s, 20 requests/s asked for by at most 512 clients; means of three runs. "
            "The bar is 30 % around a published static row.",
            color=MUTED,
            va="top",
        )
        figure.legend(
            *panels[0][0].get_legend_handles_labels(),
            loc="upper right",
            ncols=2,
            frameon=False,
            bbox_to_anchor=(0.99, 0.985),
        )
        figure.tight_layout(rect=(0, 0, 1, 0.92), h_pad=1.6)
        figure.savefig(path)


def _dumbbells(
    axes: Axes,
    rows: Results,
    of_published: Callable[[Published], float],
    of_simulated: Callable[[Measured], float | None],
) -> None:
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=GRID)
    for place, (row, found) in enumerate(rows):
        assert row.published is not None
        was, now = of_published(row.published), of_simulated(found)
        if row.target and of_published(row.published) == row.published.p99_ttft_s:
            axes.barh(place, 2 * TTFT_WITHIN * was, left=(1 - TTFT_WITHIN) * was, height=0.62, color=GRID)
        if now is None:
            continue
        axes.plot([was, now], [place, place], color=MUTED, linewidth=1.4, zorder=2)
        label = place == 0
        axes.plot(
            was, place, "o", ms=8, mfc="white", mec=PUBLISHED, mew=2, label="published" if label else None, zorder=3
        )
        axes.plot(now, place, "o", ms=6, color=SIMULATED, label="simulated" if label else None, zorder=4)


def draw_episode(found: Mapping[str, Episode], path: Path) -> None:
    """Load, ordered and ready replicas, and the latency that came of it, of the SLO-aware loop."""
    law = found["slo-law"]
    result = law.first
    minutes = result.timeline.time_s / 60
    ordered, ready = replicas_at_scrapes(result)
    with style(WIDE):
        figure = Figure(figsize=(11, 7), dpi=_DOTS_PER_INCH)
        load, replicas, latency = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1.5, 1.5))
        over_time = series(result)
        load.step(over_time.time_s / 60, over_time.models[0].arrivals_per_s, where="post", color=INK, linewidth=1.5)
        load.set_ylim(0, 11)
        _head(load, "requests/s")
        replicas.step(minutes, ordered, where="post", color=SIMULATED, linewidth=1.2, alpha=0.55, label="ordered")
        replicas.step(minutes, ready, where="post", color=SIMULATED, linewidth=2.2, label="ready")
        replicas.axhline(law.mean_replicas, color=SIMULATED, linewidth=1, linestyle=(0, (4, 3)))
        replicas.axhline(5.93, color=PUBLISHED, linewidth=1, linestyle=(0, (4, 3)))
        replicas.annotate(
            f"mean {law.mean_replicas:.2f}", (60, law.mean_replicas), xytext=(-4, 3), **_NOTE, color=SIMULATED
        )
        replicas.annotate("published mean 5.93", (60, 5.93), xytext=(-4, -13), **_NOTE, color=PUBLISHED)
        replicas.set_ylim(0, 8.8)
        replicas.legend(loc="lower center", frameon=False, ncols=2)
        _head(replicas, "replicas of two H100")
        answered = result.requests[is_completed(result.requests)]
        ttft = (answered["first_token"] - answered["arrival"]) / PICOSECONDS
        latency.plot(answered["arrival"] / PICOSECONDS / 60, ttft, ".", ms=1.6, color=MUTED, rasterized=True)
        latency.axhline(3.0, color=PUBLISHED, linewidth=1.3)
        latency.annotate("objective 3 s", (60, 3.0), xytext=(-4, 3), **_NOTE, color=PUBLISHED)
        latency.set_ylim(bottom=0)
        latency.set_xlim(0, 60)
        latency.set_xlabel("time (min)")
        _head(latency, "time to first token of each request (s)")
        figure.text(0.012, 0.98, "The SLO-aware guide's episode, simulated", size=15, weight="bold", va="top")
        shares = f"{100 * law.attainment:.1f} % of requests within 3 s and 100 ms a token (published 95.8 %)"
        figure.text(0.012, 0.937, f"{shares}; means of three seeds, the first is drawn", color=MUTED, va="top")
        figure.tight_layout(rect=(0, 0, 1, 0.925))
        figure.savefig(path)


_NOTE = {"textcoords": "offset points", "ha": "right", "size": 9.5}


def _head(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", color=INK, size=11)


def draw_paper(found: Mapping[str, Mapping[str, Outcome]], path: Path) -> None:
    """The five situations of the paper."""
    policies = list(next(iter(found.values())))
    colours = policy_colours([(policy, policy) for policy in policies])
    with style(WIDE):
        figure = Figure(figsize=(12.5, 7.4), dpi=_DOTS_PER_INCH)
        grid = figure.subplots(2, 3)
        _reactivity(grid[0][0], found["saturation-reactivity"], colours)
        _tiering(grid[0][1], found["cost-tiering"], policies, colours)
        _throughput(grid[0][2], found["throughput-stability"], colours)
        _failures(grid[1][0], found["request-stability"], colours)
        _power(grid[1][1], found["cost-tiering"], colours)
        legend = grid[1][2]
        legend.set_axis_off()
        for place, policy in enumerate(policies):
            legend.text(0.02, 0.9 - 0.13 * place, policy, color=colours[policy], weight="bold", size=12)
        notes = (
            "hpa: the paper's baseline, 3 waiting, KV cache 0.5\n"
            "saturation-percent: the paper's analyzer\n"
            "saturation-tokens: its successor\n"
            "wva: this project's\n"
            "One seed is drawn; the table has means of three."
        )
        legend.text(0.02, 0.32, notes, color=MUTED, va="top", linespacing=1.4)
        figure.text(0.012, 0.98, "The WVA paper's five situations, simulated", size=15, weight="bold", va="top")
        figure.tight_layout(rect=(0, 0, 1, 0.945), h_pad=1.8, w_pad=2.0)
        figure.savefig(path)


def _reactivity(axes: Axes, outcomes: Mapping[str, Outcome], colours: Mapping[str, str]) -> None:
    for place, (policy, one) in enumerate(outcomes.items()):
        _, ready = replicas_at_scrapes(one.first)
        # Lines that would hide each other are drawn a little apart.
        axes.step(
            one.first.timeline.time_s / 60, ready + 0.08 * place, where="post", color=colours[policy], linewidth=1.8
        )
    axes.axvline(2, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate("2 → 30 /s", (2, 8.2), xytext=(4, 0), textcoords="offset points", color=MUTED, size=9.5)
    axes.set_xlim(0, 13)
    axes.set_ylim(0, 9)
    axes.set_xlabel("time (min)")
    _head(axes, "Saturation reactivity: ready replicas")


def _tiering(axes: Axes, outcomes: Mapping[str, Outcome], policies: Sequence[str], colours: Mapping[str, str]) -> None:
    names = [variant.name for variant in outcomes[policies[0]].first.variants]
    hatches = ("", "////")
    width = 0.36
    for place, policy in enumerate(policies):
        for index in range(len(names)):
            at = place + (index - 0.5) * width
            value = outcomes[policy].peak_replicas[index]
            axes.bar(
                at,
                value,
                width * 0.92,
                facecolor="none" if index else colours[policy],
                edgecolor=colours[policy],
                hatch=hatches[index],
            )
    axes.set_xticks(range(len(policies)), [policy.replace("-", "-\n") for policy in policies], size=9)
    axes.set_ylim(0, 10)
    keys = [
        Patch(facecolor="none" if index else MUTED, edgecolor=MUTED, hatch=hatches[index], label=name)
        for index, name in enumerate(names)
    ]
    axes.legend(handles=keys, loc="upper right", ncols=2, frameon=False, fontsize=9)
    _head(axes, "Cost tiering: most ready replicas")


def _throughput(axes: Axes, outcomes: Mapping[str, Outcome], colours: Mapping[str, str]) -> None:
    for policy, one in outcomes.items():
        run = series(one.first)
        (model,) = run.models
        minutes = np.append(run.time_s, run.window_s) / 60
        axes.plot(minutes, _added_up(model.arrivals_per_s, run.bin_s), color=GRID, linewidth=7, zorder=1)
        met = model.arrivals_per_s - model.missed_per_s
        axes.plot(minutes, _added_up(met, run.bin_s), color=colours[policy], linewidth=1.8)
    axes.annotate("offered", (0.66, 0.8), xycoords="axes fraction", color=MUTED, ha="right", size=9.5)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_xlim(0, 60)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time (min)")
    _head(axes, "Throughput stability: met, added up")


def _failures(axes: Axes, outcomes: Mapping[str, Outcome], colours: Mapping[str, str]) -> None:
    for policy, one in outcomes.items():
        requests = one.first.requests
        failed = requests[~is_completed(requests)]
        times = np.sort(failed["arrival"]) / PICOSECONDS / 60
        axes.step(
            [0, *times, 36], [*range(len(times) + 1), len(times)], where="post", color=colours[policy], linewidth=1.8
        )
    axes.set_xlim(0, 36)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time of arrival (min)")
    _head(axes, "Request stability: failed, added up")


def _power(axes: Axes, outcomes: Mapping[str, Outcome], colours: Mapping[str, str]) -> None:
    for policy, one in outcomes.items():
        energy = one.first.energy
        assert energy is not None
        edges = np.arange(0.0, one.first.window_s + 60, 60.0)
        watts = mean_power_w(energy, edges).sum(axis=(1, 2))
        axes.step(edges[:-1] / 60, watts / 1000, where="post", color=colours[policy], linewidth=1.6)
    axes.set_xlim(0, 60)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("time (min)")
    _head(axes, "Power under cost tiering (kW)")


def _added_up(per_s: NDArray[np.float64], bin_s: float) -> NDArray[np.float64]:
    return np.append(0.0, np.cumsum(per_s) * bin_s)

"""Who was not served within the objectives, why and when."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from wva.report.colours import INK, MUTED, policy_colours
from wva.report.comparison import Comparison
from wva.report.figures.canvas import DASHES, Label, label_right, panel_title, panels, time_axis
from wva.report.figures.theme import Layout
from wva.report.series import Series
from wva.report.summary import count, percent

REASONS = {
    "late": ("answered late", "#e3a22f"),
    "first_token_timeout": ("no first token in time", "#d1435b"),
    "total_timeout": ("no last token in time", "#9d2449"),
    "queue_timeout": ("dropped from the gateway's queue", "#c76b98"),
    "incomplete": ("unfinished at the end", "#b7b0a3"),
    "crash": ("replica crashed", "#5d4b8c"),
    "too_long": ("longer than any replica takes", "#8591a0"),
}
"""Why a request was not met: words and colour, in the order they are stacked."""


def draw_outcomes(comparison: Comparison, layout: Layout) -> Figure:
    """Bars of the missed share by reason, medians over the seeds, and how the misses of one seed add up over time."""
    contenders = comparison.contenders
    bars = 0.55 * len(contenders)
    below = 1.6 if layout.narrow else 2.1
    figure, (upper, lower) = panels(
        layout,
        [bars, below],
        "Requests not served within the objectives",
        f"share of all requests offered, {_seeds(comparison)}",
        gap=1.0,
        share_x=False,
    )
    misses = [_misses(comparison.median(contender)) for contender in contenders]
    _bars(upper, comparison, misses, layout)
    _over_time(lower, comparison, layout)
    return figure


def _seeds(comparison: Comparison) -> str:
    number = len(comparison.scenario.seeds)
    return f"median of {number} seeds" if number > 1 else f"seed {comparison.scenario.seeds[0]}"


def _misses(numbers: dict[str, object]) -> dict[str, float]:
    """Share of the offered by reason, and their number as ``sum``."""
    failed, offered = numbers["failed"], numbers["offered"]
    assert isinstance(failed, dict)
    assert isinstance(offered, int | float)
    completed, met = numbers["completed"], numbers["met"]
    assert isinstance(completed, int | float)
    assert isinstance(met, int | float)
    return {"late": (completed - met) / offered, **{name: failed[name] / offered for name in REASONS if name in failed}}


def _bars(panel: Axes, comparison: Comparison, misses: list[dict[str, float]], layout: Layout) -> None:
    colours = policy_colours([(contender.label, contender.policy) for contender in comparison.contenders])
    most = max(1e-4, *(sum(shares.values()) for shares in misses))
    panel.set_xlim(0, most * 1.02)
    panel.set_ylim(len(misses) - 0.5, -0.5)
    panel.set_axis_off()
    used = [name for name in REASONS if any(shares.get(name, 0) > 0 for shares in misses)]
    for row, (contender, shares) in enumerate(zip(comparison.contenders, misses, strict=True)):
        start = 0.0
        for name in used:
            panel.barh(row + 0.16, shares[name], left=start, height=0.5, color=REASONS[name][1], linewidth=0)
            start += shares[name]
        number = comparison.median(contender)["offered"] * start
        remark = f"{percent(start)}" if layout.narrow else f"{percent(start)}  ({count(round(number))})"
        panel.annotate(remark, (start, row + 0.16), xytext=(5, 0), textcoords="offset points", va="center", color=INK)
        panel.text(0, row - 0.14, contender.label, va="bottom", color=colours[contender.label], weight="bold")
    _out_of_reach(panel, comparison, layout)
    handles = [Patch(facecolor=REASONS[name][1], label=REASONS[name][0]) for name in used]
    if handles:
        panel.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(-0.01, 0.02),
            ncols=2 if layout.narrow else len(handles),
            frameon=False,
            fontsize=layout.font - 1,
            labelcolor=MUTED,
            handlelength=1.0,
            handleheight=1.0,
            handletextpad=0.4,
            columnspacing=1.2,
        )


def _out_of_reach(panel: Axes, comparison: Comparison, layout: Layout) -> None:
    share = 1 - comparison.median(comparison.contenders[0])["attainable"]
    if share < 0.0005:
        return
    panel.axvline(share, color=INK, linewidth=1.1, linestyle=DASHES)
    panel.annotate(
        f"{percent(share)} out of reach of an empty replica",
        (share, -0.6),
        xytext=(4, 2),
        textcoords="offset points",
        color=INK,
        size=layout.font - 1,
        annotation_clip=False,
    )


def _over_time(panel: Axes, comparison: Comparison, layout: Layout) -> None:
    colours = policy_colours([(contender.label, contender.policy) for contender in comparison.contenders])
    labels: list[Label] = []
    most = 0.0
    unit_s = 1.0
    for contender in comparison.contenders:
        run = comparison.shown(contender)
        series = run.series
        unit_s, _ = time_axis(panel, series.window_s)
        shares = _added_up(series) / run.score.offered
        time = np.append(series.time_s, series.window_s) / unit_s
        panel.plot(time, shares, color=colours[contender.label], linewidth=1.7)
        labels.append((float(shares[-1]), contender.label, colours[contender.label]))
        most = max(most, float(shares[-1]))
    panel.set_ylim(0, most * 1.08 if most > 0 else 0.01)
    panel.yaxis.set_major_locator(MaxNLocator(4))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g} %"))
    panel_title(panel, "added up over time of arrival", layout, remark=f"seed {comparison.shown_seed}")
    label_right(panel, layout, labels)


def _added_up(series: Series) -> np.ndarray:
    """Missed requests of all models up to each edge of the bins."""
    seconds = np.minimum(series.time_s + series.bin_s, series.window_s) - series.time_s
    missed = np.sum([model.missed_per_s for model in series.models], axis=0) * seconds
    return np.append(0.0, np.cumsum(missed))

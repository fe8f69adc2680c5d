"""The figure of what was missed, by cause."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from wva.report.colours import INK, MUTED
from wva.report.figures.canvas import panels
from wva.report.figures.theme import Layout
from wva.report.frontier.data import Panel, Spot
from wva.report.frontier.words import ordered, share

SHOWN = {
    "out_of_reach": ("out of reach", "#b4bdc8"),
    "crash": ("replica crashed", "#5d4b8c"),
    "first_token_timeout": ("no first token in time", "#d1435b"),
    "total_timeout": ("no last token in time", "#9d2449"),
    "queue_timeout": ("dropped from the gateway's queue", "#c76b98"),
    "incomplete": ("unfinished at the end", "#b7b0a3"),
    "late_while_starting": ("late, more was starting", "#e3a22f"),
    "late_otherwise": ("late, nothing was starting", "#8a6d1f"),
    "slow_tokens": ("slow tokens", "#1a919e"),
}
"""Words and colour of each cause, in the order they are stacked."""


def draw_misses(panel: Panel, layout: Layout) -> Figure:
    """A bar for the chosen spot of each policy: its misses as a share of the offered, mean over the seeds."""
    curves = ordered(panel)
    figure, (axes,) = panels(
        layout,
        [(0.52 if layout.narrow else 0.46) * len(curves)],
        "Who was missed, and why",
        "share of all requests offered at the chosen points, each with one cause",
        share_x=False,
    )
    shares = [causes(curve.chosen_spot) for curve in curves]
    most = max(1e-4, *(sum(each.values()) for each in shares))
    axes.set_xlim(0, most * 1.12)
    axes.set_ylim(len(curves) - 0.5, -0.5)
    axes.set_axis_off()
    for row, (curve, each) in enumerate(zip(curves, shares, strict=True)):
        start = 0.0
        for cause, (_, colour) in SHOWN.items():
            axes.barh(row + 0.17, each[cause], left=start, height=0.42, color=colour, linewidth=0)
            start += each[cause]
        axes.annotate(
            share(start),
            (start, row + 0.17),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            size=layout.font - 1,
        )
        axes.text(0, row - 0.09, f"{curve.name}, {curve.chosen_spot.label}", va="bottom", size=layout.font - 1.5)
    _legend(axes, layout, [cause for cause in SHOWN if any(each[cause] for each in shares)])
    return figure


def causes(spot: Spot) -> dict[str, float]:
    """Misses of each cause as a share of the offered, over all runs together."""
    offered = sum(run.offered for run in spot.runs)
    return {cause: sum(run.misses[cause] for run in spot.runs) / offered for cause in SHOWN}


def _legend(axes: Axes, layout: Layout, used: list[str]) -> None:
    axes.legend(
        handles=[Patch(facecolor=SHOWN[cause][1], label=SHOWN[cause][0]) for cause in used],
        loc="upper left",
        bbox_to_anchor=(-0.01, 0.0),
        ncols=2 if layout.narrow else 4,
        frameon=False,
        fontsize=layout.font - 1.5,
        labelcolor=MUTED,
        handlelength=1.0,
        handleheight=1.0,
        handletextpad=0.4,
        columnspacing=1.2,
    )

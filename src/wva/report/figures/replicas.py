"""What it was served by: replicas of each variant and the state they were in."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from wva.report.colours import MUTED, PAPER, policy_colours, variant_colours
from wva.report.comparison import Comparison
from wva.report.figures.canvas import (
    Label,
    count_axis,
    label_right,
    legend_above,
    panel_title,
    panels,
    steps,
    time_axis,
)
from wva.report.figures.theme import Layout
from wva.report.runs import RunReport
from wva.report.series import Series
from wva.report.summary import dollars
from wva.simulate.result import PHASES

_OPACITY = {"ready": 0.95, "starting": 0.42, "draining": 0.2, "pending": 0.0}
"""In the order they are stacked: what serves at the bottom, what is only wished for on top."""

_MOST_IN_LEGEND = 4
"""Variants that fit beside the title; more have their names beside the panels alone."""


def draw_replicas(comparison: Comparison, layout: Layout) -> Figure:
    """A panel for each policy on one scale, of the shown seed: its area is what was paid for."""
    contenders = comparison.contenders
    runs = [comparison.shown(contender) for contender in contenders]
    height = 1.15 if layout.narrow else 1.5
    figure, axes = panels(
        layout,
        [height] * len(contenders),
        "Replicas",
        f"by variant and state, stacked, with each policy's cost and mean replicas; seed {comparison.shown_seed}",
    )
    end_s = max(float(run.series.replica_time_s[-1]) for run in runs)
    unit_s, _ = time_axis(axes[-1], end_s)
    most = max(float(run.series.replicas.sum(axis=(1, 2)).max()) for run in runs)
    colours = policy_colours([(contender.label, contender.policy) for contender in contenders])
    used: set[str] = set()
    for panel, contender, run in zip(axes, contenders, runs, strict=True):
        used |= _stack(panel, run.series, comparison, unit_s)
        count_axis(panel, most, ticks=3)
        panel_title(panel, contender.label, layout, colours[contender.label], dollars(run.score.cost))
        label_right(panel, layout, _means(run, comparison))
    _legend(figure, comparison, used, layout)
    return figure


def _means(run: RunReport, comparison: Comparison) -> list[Label]:
    """Mean replicas that were paid for, at the middle of each variant's place in the stack."""
    colours = variant_colours([variant.name for variant in comparison.variants])
    labels: list[Label] = []
    below = 0.0
    for name, hours in run.score.replica_hours.items():
        mean = hours * 3600 / run.score.end_s
        if mean > 0:
            labels.append((below + mean / 2, f"{mean:.1f} {name}", colours[name]))
        below += mean
    return labels


def _stack(panel: Axes, series: Series, comparison: Comparison, unit_s: float) -> set[str]:
    """Draw the areas of a run; return the states that occur."""
    colours = variant_colours([variant.name for variant in comparison.variants])
    # Before the first look at the fleet nothing has changed.
    starts = np.append(0.0, series.replica_time_s[1:]) / unit_s
    time, counts = steps(starts, series.replicas, series.bin_s / unit_s)
    below = np.zeros(len(time))
    used = set()
    for state, opacity in _OPACITY.items():
        for index, variant in enumerate(comparison.variants):
            height = counts[:, index, PHASES.index(state)]
            if not height.any():
                continue
            used.add(state)
            colour = colours[variant.name]
            panel.fill_between(
                time,
                below,
                below + height,
                facecolor=to_rgba(colour, opacity),
                edgecolor=colour if state == "pending" else "none",
                hatch="////" if state == "pending" else None,
                linewidth=0,
            )
            below = below + height
    panel.plot(time, below, color=PAPER, linewidth=0.5)
    return used


def _legend(figure: Figure, comparison: Comparison, used: set[str], layout: Layout) -> None:
    variants = variant_colours([variant.name for variant in comparison.variants])
    handles = []
    if len(variants) <= _MOST_IN_LEGEND:
        handles = [Patch(facecolor=colour, label=name) for name, colour in variants.items()]
    for state, opacity in _OPACITY.items():
        if state in used and state != "ready":
            hatch = "////" if state == "pending" else None
            edge = MUTED if state == "pending" else "none"
            label = "waiting for stock" if state == "pending" else state
            handles.append(Patch(facecolor=to_rgba(MUTED, opacity), edgecolor=edge, hatch=hatch, label=label))
    legend_above(figure, handles, layout)

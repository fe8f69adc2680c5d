"""What it drew: power of each variant's GPUs, for being there and for the work."""

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
from wva.report.summary import energy, energy_per_token

_OPACITY = (0.42, 0.95)
"""Of standing and of dynamic power."""


def draw_power(comparison: Comparison, layout: Layout) -> Figure | None:
    """A panel for each policy on one scale, of the shown seed: its area is the energy. ``None`` if all is unknown."""
    contenders = comparison.contenders
    runs = [comparison.shown(contender) for contender in contenders]
    if not any(np.isfinite(run.series.power_w).any() for run in runs):
        return None
    height = 1.15 if layout.narrow else 1.5
    figure, axes = panels(
        layout,
        [height] * len(contenders),
        "Power",
        "kilowatts of all GPUs, by variant, stacked, with each policy's energy and mean power; "
        f"seed {comparison.shown_seed}",
    )
    unit_s, _ = time_axis(axes[-1], max(float(run.series.power_time_s[-1]) for run in runs))
    most = max(float(np.nansum(run.series.power_w, axis=(1, 2)).max()) for run in runs)
    colours = policy_colours([(contender.label, contender.policy) for contender in contenders])
    for panel, contender, run in zip(axes, contenders, runs, strict=True):
        _stack(panel, run.series, comparison, unit_s)
        count_axis(panel, most / 1000, ticks=3)
        drawn = run.score.energy
        remark = energy(drawn.kwh)
        if not layout.narrow:
            remark += f", {energy_per_token(drawn.j_per_output_token)} a token"
        panel_title(panel, contender.label, layout, colours[contender.label], remark)
        label_right(panel, layout, _means(run, comparison))
    _legend(figure, comparison, layout)
    return figure


def _means(run: RunReport, comparison: Comparison) -> list[Label]:
    """Mean power of each variant, at the middle of its mean place in the stack."""
    colours = variant_colours([variant.name for variant in comparison.variants])
    labels: list[Label] = []
    below = 0.0
    for name, use in run.score.energy.by_variant.items():
        mean_kw = (use.kwh or 0.0) * 3600 / run.score.end_s
        if mean_kw > 0:
            text = f"{mean_kw:.1f}" if mean_kw >= 1 else f"{mean_kw:.2f}"
            labels.append((below + mean_kw / 2, f"{text} kW {name}", colours[name]))
        below += mean_kw
    return labels


def _stack(panel: Axes, series: Series, comparison: Comparison, unit_s: float) -> None:
    colours = variant_colours([variant.name for variant in comparison.variants])
    edges = series.power_time_s / unit_s
    time, watts = steps(edges[:-1], np.nan_to_num(series.power_w), edges[-1] - edges[-2])
    below = np.zeros(len(time))
    for index, variant in enumerate(comparison.variants):
        for part, opacity in enumerate(_OPACITY):
            above = below + watts[:, index, part] / 1000
            colour = to_rgba(colours[variant.name], opacity)
            panel.fill_between(time, below, above, facecolor=colour, edgecolor="none", linewidth=0)
            below = above
    panel.plot(time, below, color=PAPER, linewidth=0.5)


def _legend(figure: Figure, comparison: Comparison, layout: Layout) -> None:
    variants = variant_colours([variant.name for variant in comparison.variants])
    handles = [Patch(facecolor=colour, label=name) for name, colour in variants.items()]
    for label, opacity in zip(("idle and contexts", "work"), _OPACITY, strict=True):
        handles.append(Patch(facecolor=to_rgba(MUTED, opacity), label=label))
    legend_above(figure, handles, layout)

"""Who held the hardware: GPUs of each accelerator by model over time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from wva.fleet.model import Model
from wva.report.colours import INK, PAPER, model_colours, policy_colours
from wva.report.comparison import Comparison
from wva.report.figures.canvas import Label, count_axis, label_right, level, panel_title, panels, steps, time_axis
from wva.report.figures.theme import Layout
from wva.report.series import Series
from wva.simulate.result import PHASES

_HOLDING = [place for place, phase in enumerate(PHASES) if phase != "pending"]


def draw_gpus(comparison: Comparison, layout: Layout) -> Figure | None:
    """A panel for each accelerator and policy: GPUs stacked by model; ``None`` where one model has them all."""
    if len(comparison.models) == 1:
        return None
    accelerators = list(dict.fromkeys(variant.accelerator for variant in comparison.variants))
    shown = [(accelerator, contender) for accelerator in accelerators for contender in comparison.contenders]
    figure, axes = panels(
        layout,
        [1.0 if layout.narrow else 1.3] * len(shown),
        "GPUs",
        f"held by each model, the highest priority at the bottom; seed {comparison.shown_seed}",
    )
    runs = [comparison.shown(contender) for contender in comparison.contenders]
    unit_s, _ = time_axis(axes[-1], max(float(run.series.replica_time_s[-1]) for run in runs))
    colours = policy_colours([(contender.label, contender.policy) for contender in comparison.contenders])
    models = sorted(comparison.models, key=lambda model: -model.priority)
    for panel, (accelerator, contender) in zip(axes, shown, strict=True):
        held = _held(comparison.shown(contender).series, comparison, models, accelerator)
        stock = _stock(comparison, accelerator)
        _stack(panel, comparison.shown(contender).series, held, comparison, models, unit_s)
        everything = max(float(_held(run.series, comparison, models, accelerator).sum(axis=1).max()) for run in runs)
        count_axis(panel, max(everything, stock or 0), ticks=3)
        if stock is not None:
            level(panel, stock)
        panel_title(panel, f"{contender.label}, {accelerator}", layout, colours[contender.label])
        label_right(panel, layout, _labels(held, comparison, models, stock))
    return figure


def _held(series: Series, comparison: Comparison, models: list[Model], accelerator: str) -> NDArray[np.float64]:
    """Shape (points, models): GPUs of the accelerator that each model's replicas occupy."""
    held = np.zeros((len(series.replica_time_s), len(models)))
    names = [model.name for model in models]
    for index, variant in enumerate(comparison.variants):
        if variant.accelerator == accelerator:
            replicas = series.replicas[:, index, _HOLDING].sum(axis=1)
            held[:, names.index(variant.model)] += replicas * variant.gpus_per_replica
    return held


def _stock(comparison: Comparison, accelerator: str) -> int | None:
    """GPUs there are; ``None`` without a limit."""
    nodes = comparison.scenario.nodes
    return None if nodes is None else sum(n.gpus * n.count for n in nodes if n.accelerator == accelerator)


def _stack(
    panel: Axes,
    series: Series,
    held: NDArray[np.float64],
    comparison: Comparison,
    models: list[Model],
    unit_s: float,
) -> None:
    colours = model_colours([model.name for model in comparison.models])
    # Before the first look at the fleet nothing has changed.
    starts = np.append(0.0, series.replica_time_s[1:]) / unit_s
    time, counts = steps(starts, held, series.bin_s / unit_s)
    below = np.zeros(len(time))
    for index, model in enumerate(models):
        above = below + counts[:, index]
        panel.fill_between(time, below, above, facecolor=colours[model.name], linewidth=0)
        panel.plot(time, above, color=PAPER, linewidth=0.5)
        below = above


def _labels(held: NDArray[np.float64], comparison: Comparison, models: list[Model], stock: int | None) -> list[Label]:
    """Mean GPUs of each model, at the middle of its place in the stack."""
    colours = model_colours([model.name for model in comparison.models])
    labels: list[Label] = [] if stock is None else [(stock, f"{stock} in all", INK)]
    below = 0.0
    for index, model in enumerate(models):
        mean = float(held[:, index].mean())
        if mean > 0:
            labels.append((below + mean / 2, f"{mean:.1f} {model.name}", colours[model.name]))
        below += mean
    return labels

"""How long users waited for the first token, against what they were promised."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from wva.report.colours import ALARM, INK, MUTED, policy_colours
from wva.report.comparison import Comparison
from wva.report.figures.canvas import Label, label_right, level, panel_title, panels, time_axis
from wva.report.figures.theme import Layout
from wva.report.series import ModelSeries, Series

_TICKS_S = (0.001, 0.01, 0.1, 1, 10, 100, 1000, 10000)


def draw_ttft(comparison: Comparison, layout: Layout) -> Figure:
    """A panel for each policy and model: median and 99th percentile of all arrivals in each bin, on one scale."""
    contenders = comparison.contenders
    runs = [comparison.shown(contender) for contender in contenders]
    shown = [(c, run.series, model) for c, run in zip(contenders, runs, strict=True) for model in run.series.models]
    figure, axes = panels(
        layout,
        [1.2 if layout.narrow else 1.55] * len(shown),
        "Time to first token",
        f"seconds, of all requests that arrived in the same {runs[0].series.bin_s:g} s, failed ones included; "
        f"seed {comparison.shown_seed}",
    )
    unit_s, _ = time_axis(axes[-1], runs[0].series.window_s)
    colours = policy_colours([(contender.label, contender.policy) for contender in contenders])
    bottom, top = _limits([model for _, _, model in shown])
    for panel, (contender, series, model) in zip(axes, shown, strict=True):
        panel.set_yscale("log")
        panel.set_ylim(bottom, top)
        panel.yaxis.set_major_locator(FixedLocator([tick for tick in _TICKS_S if bottom <= tick <= top]))
        panel.yaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        _draw(panel, series, model, unit_s, colours[contender.label], layout)
        name = contender.label if len(series.models) == 1 else f"{contender.label}, {model.model}"
        panel_title(panel, name, layout, colours[contender.label])
    return figure


def _limits(models: list[ModelSeries]) -> tuple[float, float]:
    values = np.concatenate([np.concatenate((model.ttft_p50_s, model.ttft_p99_s)) for model in models])
    values = values[np.isfinite(values) & (values > 0)]
    objectives = [model.ttft_objective_s for model in models]
    least = min([*objectives, *values[:1], float(values.min()) if len(values) else 1.0])
    most = max([*objectives, float(values.max()) if len(values) else 1.0])
    return least / 1.3, most * 2.2


def _draw(panel: Axes, series: Series, model: ModelSeries, unit_s: float, colour: str, layout: Layout) -> None:
    time = (series.time_s + series.bin_s / 2) / unit_s
    bottom, top = panel.get_ylim()
    p50, p99 = (np.minimum(values, top) for values in (model.ttft_p50_s, model.ttft_p99_s))
    panel.fill_between(time, np.maximum(p50, bottom), p99, where=p99 < top, color=colour, alpha=0.16, linewidth=0)
    panel.plot(time, np.where(p99 < top, p99, np.nan), color=colour, linewidth=1.3)
    panel.plot(time, np.where(p50 < top, p50, np.nan), color=colour, linewidth=1.0, alpha=0.65)
    level(panel, model.ttft_objective_s)
    separator = "\n" if layout.narrow else " "
    labels: list[Label] = [
        (model.ttft_objective_s, f"objective{separator}{model.ttft_objective_s:g} s", INK),
        (_typical(model.ttft_p99_s), "p99", colour),
        (_typical(model.ttft_p50_s), "p50", colour),
    ]
    unanswered = np.isinf(model.ttft_p99_s)
    if unanswered.any():
        width = series.bin_s / unit_s
        for start in series.time_s[unanswered] / unit_s:
            panel.axvspan(start, start + width, ymin=0.955, ymax=1.0, color=ALARM, linewidth=0)
        labels.append(
            (top * 0.85, "over 1 % got\nno first token" if not layout.narrow else "no token\nfor > 1 %", ALARM)
        )
    label_right(panel, layout, labels)
    panel.tick_params(axis="y", colors=MUTED)


def _typical(values: np.ndarray) -> float:
    """A height to label a line at: the mean of its end on the logarithmic scale."""
    known = values[np.isfinite(values) & (values > 0)]
    tail = known[-5:]
    return float(np.exp(np.log(tail).mean())) if len(tail) else 1.0

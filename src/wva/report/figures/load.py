"""What was asked for: requests and tokens over time."""

import numpy as np
from matplotlib.figure import Figure

from wva.report.colours import INK, MUTED, model_colours
from wva.report.comparison import Comparison
from wva.report.figures.canvas import Label, count_axis, label_right, panel_title, panels, time_axis
from wva.report.figures.theme import Layout
from wva.report.series import ModelSeries
from wva.report.summary import count, duration

_PROMPT, _ANSWER = "#3b6ea8", "#b0632a"


def draw_load(comparison: Comparison, layout: Layout) -> Figure:
    """Arrivals per second and, below, tokens per second, of the shown seed."""
    run = comparison.shown(comparison.contenders[0])
    series = run.series
    subtitle = f"{count(run.score.offered)} requests in {duration(series.window_s)}, means over {series.bin_s:g} s"
    peaks = [ratio.superposed for ratio in comparison.burstiness]
    if len(peaks) == 1 and peaks[0] == peaks[0]:
        subtitle += f"; the busiest 10 s hold {peaks[0]:.1f} times the mean"
    subtitle += f"; seed {run.task.seed}"
    heights = (2.0, 2.0) if not layout.narrow else (1.5, 1.5)
    figure, (upper, lower) = panels(layout, heights, "Load", subtitle)
    unit_s, _ = time_axis(lower, series.window_s)
    time = (series.time_s + series.bin_s / 2) / unit_s
    colours = model_colours([model.model for model in series.models])
    labels: list[Label] = []
    for model in series.models:
        colour = INK if len(series.models) == 1 else colours[model.model]
        upper.plot(time, model.arrivals_per_s, color=colour, linewidth=1.2)
        if len(series.models) == 1:
            upper.fill_between(time, model.arrivals_per_s, color=MUTED, alpha=0.18, linewidth=0)
        labels.append((float(model.arrivals_per_s.mean()), _mean_label(model, len(series.models) == 1), colour))
    count_axis(upper, max(float(model.arrivals_per_s.max()) for model in series.models))
    panel_title(upper, "requests per second", layout)
    label_right(upper, layout, labels)
    prompt = np.sum([model.input_tokens_per_s for model in series.models], axis=0)
    answer = np.sum([model.output_tokens_per_s for model in series.models], axis=0)
    lower.plot(time, prompt, color=_PROMPT, linewidth=1.2)
    lower.plot(time, answer, color=_ANSWER, linewidth=1.2)
    count_axis(lower, float(max(prompt.max(), answer.max())))
    panel_title(lower, "tokens per second", layout)
    labels = [(float(prompt.mean()), "prompts", _PROMPT), (float(answer.mean()), "answers", _ANSWER)]
    label_right(lower, layout, labels)
    return figure


def _mean_label(model: ModelSeries, alone: bool) -> str:
    mean = f"mean {model.arrivals_per_s.mean():.3g}/s"
    return mean if alone else f"{model.model}\n{mean}"

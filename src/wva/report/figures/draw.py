"""All figures of a comparison."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from wva.report.comparison import Comparison
from wva.report.figures.canvas import as_svg, save_png
from wva.report.figures.cost import draw_cost
from wva.report.figures.gpus import draw_gpus
from wva.report.figures.load import draw_load
from wva.report.figures.outcomes import draw_outcomes
from wva.report.figures.replicas import draw_replicas
from wva.report.figures.theme import NARROW, WIDE, Layout, style
from wva.report.figures.ttft import draw_ttft

FIGURES: dict[str, Callable[[Comparison, Layout], Figure]] = {
    "cost": draw_cost,
    "outcomes": draw_outcomes,
    "ttft": draw_ttft,
    "replicas": draw_replicas,
    "gpus": draw_gpus,
    "load": draw_load,
}
"""By the name of their file, in the order of the page."""


SEVERAL_MODELS = frozenset({"gpus"})
"""Figures that say something only where there is more than one model."""


def write_figures(comparison: Comparison, directory: Path) -> dict[str, tuple[str, str]]:
    """Write every figure as PNG; return each as (wide, narrow) SVG for the page."""
    drawn = {}
    for name, draw in FIGURES.items():
        if name in SEVERAL_MODELS and len(comparison.models) == 1:
            continue
        with style(WIDE):
            figure = draw(comparison, WIDE)
            save_png(figure, directory / f"{name}.png")
            wide = as_svg(figure, f"{name}-wide")
        with style(NARROW):
            narrow = as_svg(draw(comparison, NARROW), f"{name}-narrow")
        drawn[name] = (wide, narrow)
    return drawn

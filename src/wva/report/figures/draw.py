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
from wva.report.figures.power import draw_power
from wva.report.figures.replicas import draw_replicas
from wva.report.figures.theme import NARROW, WIDE, Layout, style
from wva.report.figures.ttft import draw_ttft

FIGURES: dict[str, Callable[[Comparison, Layout], Figure | None]] = {
    "cost": draw_cost,
    "outcomes": draw_outcomes,
    "ttft": draw_ttft,
    "replicas": draw_replicas,
    "gpus": draw_gpus,
    "power": draw_power,
    "load": draw_load,
}
"""By the name of their file, in the order of the page; ``None`` is nothing to show."""


def write_figures(comparison: Comparison, directory: Path) -> dict[str, tuple[str, str]]:
    """Write every figure as PNG; return each as (wide, narrow) SVG for the page."""
    drawn = {}
    for name, draw in FIGURES.items():
        with style(WIDE):
            figure = draw(comparison, WIDE)
            if figure is None:
                continue
            save_png(figure, directory / f"{name}.png")
            wide = as_svg(figure, f"{name}-wide")
        with style(NARROW):
            figure = draw(comparison, NARROW)
            assert figure is not None
            narrow = as_svg(figure, f"{name}-narrow")
        drawn[name] = (wide, narrow)
    return drawn

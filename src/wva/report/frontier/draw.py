"""All figures of a frontier."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from wva.report.contenders import file_name
from wva.report.figures.canvas import as_svg, save_png
from wva.report.figures.theme import NARROW, WIDE, Layout, style
from wva.report.frontier.curves import draw_curves
from wva.report.frontier.data import Frontier, Panel
from wva.report.frontier.misses import draw_misses

FIGURES: dict[str, Callable[[Panel, Layout], Figure]] = {"curves": draw_curves, "misses": draw_misses}
"""By the name of their file, in the order of the page."""

Drawn = dict[str, tuple[str, str]]
"""(wide, narrow) SVG by name."""


def write_figures(frontier: Frontier, directory: Path) -> list[Drawn]:
    """Write every figure as PNG; return those of each panel as SVG for the page."""
    return [_panel(panel, directory) for panel in frontier.panels]


def _panel(panel: Panel, directory: Path) -> Drawn:
    drawn = {}
    for name, draw in FIGURES.items():
        full = f"{name}-{file_name(panel.scenario)}-{panel.queue}"
        with style(WIDE):
            figure = draw(panel, WIDE)
            save_png(figure, directory / f"{full}.png")
            wide = as_svg(figure, f"{full}-wide")
        with style(NARROW):
            narrow = as_svg(draw(panel, NARROW), f"{full}-narrow")
        drawn[name] = (wide, narrow)
    return drawn

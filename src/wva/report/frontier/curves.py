"""The figure of attainment against cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from wva.report.colours import INK, MUTED, PAPER, policy_colours
from wva.report.experiments.trade import choose, non_dominated
from wva.report.figures.canvas import panels
from wva.report.figures.place import Box, free_box
from wva.report.figures.theme import Layout
from wva.report.frontier.data import CHOSEN_AT, OWN, STATIC, CostPoint, Curve, Panel, Spot
from wva.report.summary import dollars, duration, percent

LOWEST = 0.5
"""Attainment below which nothing is shown."""
_HIGHEST = 0.9999
"""Attainment above which nothing is told apart."""
_TICKS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
_COSTS = (1, 1.5, 2, 3, 4, 5, 6, 8)
_BEST = "#e07b2e"
_OTHERS = "#9aa5b1"
_BOUND, _CLAIRVOYANT = "bound", "clairvoyant"


@dataclass(frozen=True, slots=True)
class _Line:
    """A curve as it is drawn."""

    name: str
    colour: str
    front: Sequence[Spot | CostPoint]
    spots: Sequence[Spot]
    at: Spot | CostPoint
    """Where its name stands."""
    strong: bool


def draw_curves(panel: Panel, layout: Layout) -> Figure:
    """A line through the points of each policy that matter, all its points, and its name beside the chosen one."""
    figure, (axes,) = panels(
        layout,
        [3.4 if layout.narrow else 4.4],
        "Attainment against cost",
        f"requests met, of the attainable, over the cost of {duration(panel.window_s)}; "
        f"{_seeds(panel)}; up and left is better",
    )
    lines = _lines(panel)
    _scale(axes, lines)
    for line in lines:
        _draw(axes, line)
    _names(axes, figure, lines, layout)
    return figure


def _seeds(panel: Panel) -> str:
    return f"seed {panel.seeds[0]}" if len(panel.seeds) == 1 else f"medians of {len(panel.seeds)} seeds"


def _lines(panel: Panel) -> list[_Line]:
    """The weak ones first, so that the strong lie above them."""
    best = panel.verdict.rival if panel.verdict else ""
    own = policy_colours([(OWN, OWN), (STATIC, STATIC)])
    lines = []
    for curve in panel.curves:
        colour = own.get(curve.name) or (_BEST if curve.name == best else _OTHERS)
        lines.append(_line(curve, colour, strong=colour != _OTHERS))
    for name, points in ((_CLAIRVOYANT, panel.schedules), (_BOUND, panel.bound)):
        if points:
            front = non_dominated(points)
            lines.append(_Line(name, INK, front, (), choose(front, CHOSEN_AT), strong=True))
    return sorted(lines, key=lambda line: (line.strong, line.name == OWN))


def _line(curve: Curve, colour: str, *, strong: bool) -> _Line:
    return _Line(curve.name, colour, non_dominated(curve.spots), curve.spots, curve.chosen_spot, strong)


def _height(attainment: float) -> float:
    """Each step up the axis leaves a fixed part of the misses."""
    return -math.log10(1 - min(max(attainment, 0.0), _HIGHEST))


def _shown(points: Sequence[Spot | CostPoint]) -> list[Spot | CostPoint]:
    return [point for point in points if point.attainment >= LOWEST and point.cost > 0]


def _scale(axes: Axes, lines: Sequence[_Line]) -> None:
    points = [point for line in lines for point in _shown([*line.front, *line.spots])]
    shares = [point.attainment for point in points] or [LOWEST, _HIGHEST]
    costs = [point.cost for point in points] or [1.0, 10.0]
    low, high = _height(min(shares)), _height(max(shares))
    axes.set_ylim(low - 0.06 * (high - low) - 0.02, high + 0.08 * (high - low) + 0.02)
    axes.yaxis.set_major_locator(FixedLocator([_height(share) for share in _TICKS]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * (1 - 10**-y):.4g} %"))
    axes.set_xscale("log")
    axes.set_xlim(min(costs) * 0.93, max(costs) * 1.1)
    ticks = [step * 10.0**power for power in range(-3, 7) for step in _COSTS]
    inside = [tick for tick in ticks if min(costs) * 0.93 <= tick <= max(costs) * 1.1]
    axes.xaxis.set_major_locator(FixedLocator(inside if len(inside) <= 9 else inside[::2]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"${x:,.0f}" if x >= 10 else f"${x:g}"))
    axes.set_xlabel("cost")
    axes.grid(visible=True, axis="x")


def _draw(axes: Axes, line: _Line) -> None:
    front = _shown(line.front)
    style = {_BOUND: (0, (4, 2.5)), _CLAIRVOYANT: (0, (1, 1.5))}.get(line.name, "-")
    axes.plot(
        [point.cost for point in front],
        [_height(point.attainment) for point in front],
        color=line.colour,
        linewidth=2.2 if line.strong else 1.0,
        linestyle=style,
        zorder=4 if line.strong else 2,
    )
    for spot in line.spots:
        if spot not in _shown(line.spots):
            continue
        chosen = spot is line.at
        size = (90.0 if chosen else 26.0) if line.strong else (36.0 if chosen else 10.0)
        # Hollow are the published defaults.
        face = PAPER if spot.label == "defaults" and not chosen else line.colour
        axes.scatter(
            spot.cost, _height(spot.attainment), s=size, facecolor=face, edgecolor=line.colour, zorder=5, linewidth=1.2
        )
        if chosen and line.strong:
            for run in spot.runs:
                axes.scatter(run.cost, _height(run.attainment), s=12, color=line.colour, alpha=0.4, linewidth=0)


def _along(corners: Sequence[tuple[float, float]]) -> list[Box]:
    """Small boxes on the line through these corners, for labels to keep clear of."""
    boxes: list[Box] = []
    for (x0, y0), (x1, y1) in pairwise(corners):
        steps = max(int(math.hypot(x1 - x0, y1 - y0) / 4), 1)
        for step in range(steps):
            x, y = x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps
            boxes.append((x - 2, y - 2, x + 2, y + 2))
    return boxes


def _names(axes: Axes, figure: Figure, lines: Sequence[_Line], layout: Layout) -> None:
    box = axes.get_position()
    size = (box.width * figure.get_figwidth() * 72, box.height * figure.get_figheight() * 72)

    def place(point: Spot | CostPoint) -> tuple[float, float]:
        x, y = (axes.transData + axes.transAxes.inverted()).transform((point.cost, _height(point.attainment)))
        return float(x) * size[0], float(y) * size[1]

    taken: list[Box] = []
    for line in lines:
        for point in _shown([*line.front, *line.spots]):
            x, y = place(point)
            reach = 6 if line.strong else 3
            taken.append((x - reach, y - reach, x + reach, y + reach))
        taken += _along([place(point) for point in _shown(line.front)])
    # A phone has no room for the names of those that matter less.
    named = [line for line in lines if line.at in _shown([line.at]) and (line.strong or not layout.narrow)]
    for line in sorted(named, key=lambda each: (not each.strong, -each.at.cost)):
        text = f"{line.name}\n{percent(line.at.attainment)}, {dollars(line.at.cost)}" if line.strong else line.name
        font = layout.font - (0.5 if line.strong else 2)
        rows = text.split("\n")
        found = free_box(place(line.at), (max(map(len, rows)) * font * 0.62, font * 1.3 * len(rows)), size, taken)
        taken.append(found)
        axes.annotate(
            text,
            (found[0], (found[1] + found[3]) / 2),
            xycoords="axes points",
            va="center",
            color=line.colour if line.strong else MUTED,
            weight="bold" if line.strong else "normal",
            linespacing=1.25,
            size=font,
            zorder=6,
        )

"""Panels under a heading, time axes, labels beside lines: what the figures have in common."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from wva.report.colours import GRID, INK, MUTED, PAPER
from wva.report.figures.theme import Layout

HEADING = 0.98
"""Inches above the first panel for title, subtitle and the panel's own title."""
FOOT = 0.62
"""Inches below the last panel for the time axis."""
_DOTS_PER_INCH = 160
_NEXT_LINE = 1.32
"""Line height as a multiple of the font's size."""

DASHES = (0, (4, 2.5))
"""How limits are drawn."""

Label = tuple[float, str, str]
"""Where on the y-axis, text, colour."""


def panels(
    layout: Layout, heights: Sequence[float], title: str, subtitle: str, *, gap: float = 0.42, share_x: bool = True
) -> tuple[Figure, list[Axes]]:
    """A figure of panels below each other, of these heights in inches."""
    lines = _wrapped(subtitle, layout)
    heading = HEADING + layout.font / 72 * _NEXT_LINE * (len(lines) - 1)
    height = heading + sum(heights) + gap * (len(heights) - 1) + FOOT
    figure = Figure(figsize=(layout.width, height), dpi=_DOTS_PER_INCH)
    at = height - heading
    axes: list[Axes] = []
    width = layout.width - layout.left - layout.right
    for each in heights:
        at -= each
        box = (layout.left / layout.width, at / height, width / layout.width, each / height)
        axes.append(figure.add_axes(box, sharex=axes[0] if axes and share_x else None))
        at -= gap
    edge = 0.12 / layout.width
    figure.text(edge, 1 - 0.1 / height, title, va="top", size=layout.font + 3, weight="bold")
    figure.text(
        edge, 1 - 0.38 / height, "\n".join(lines), va="top", color=MUTED, linespacing=_NEXT_LINE, size=layout.font - 0.5
    )
    if share_x:
        for upper in axes[:-1]:
            upper.tick_params(labelbottom=False)
    return figure, axes


def time_axis(axes: Axes, end_s: float) -> tuple[float, str]:
    """Set the time axis of a panel up to ``end_s``; return (seconds in its unit, the unit)."""
    unit_s, unit = next(((s, name) for s, name in ((3600.0, "h"), (60.0, "min")) if end_s > 3 * s), (1.0, "s"))
    end = end_s / unit_s
    step = next((step for step in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60) if end / step <= 9), end / 8)
    axes.set_xlim(0, end)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.set_xlabel(f"time ({unit})")
    return unit_s, unit


def count_axis(axes: Axes, most: float, ticks: int = 4) -> None:
    """Set an axis from 0 up to ``most`` things, with thousands written as k."""
    axes.set_ylim(0, most * 1.06 if most > 0 else 1)
    axes.yaxis.set_major_locator(MaxNLocator(ticks, integer=most >= 3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def short(value: float) -> str:
    """A number in as few characters as a tick needs."""
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def panel_title(axes: Axes, text: str, layout: Layout, colour: str = INK, remark: str = "") -> None:
    """Name a panel above its left corner, in the colour of what it shows, with a remark above the right one."""
    axes.set_title(text, loc="left", color=colour, weight="bold", size=layout.font, pad=5)
    axes.set_title(remark, loc="right", color=MUTED, size=layout.font - 1, pad=5)


def label_right(axes: Axes, layout: Layout, labels: Sequence[Label]) -> None:
    """Write labels right of a panel, each at its value, moved apart where they would touch."""
    figure = axes.figure
    assert isinstance(figure, Figure)
    height = axes.get_position().height * figure.get_figheight() * 72
    to_panel = (axes.transData + axes.transAxes.inverted()).transform
    wanted = sorted(((float(to_panel((0, y))[1]) * height, text, colour) for y, text, colour in labels))
    places = _apart(
        [place for place, _, _ in wanted], [(text.count("\n") + 1) * layout.font * 1.25 for _, text, _ in wanted]
    )
    for place, (_, text, colour) in zip(places, wanted, strict=True):
        axes.annotate(
            text,
            (1, place / height),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            size=layout.font - 0.5,
            linespacing=1.2,
            annotation_clip=False,
        )


def legend_above(figure: Figure, handles: Sequence[Patch], layout: Layout) -> None:
    """Say what colours mean, in one line at the figure's upper right corner."""
    figure.legend(
        handles=handles,
        loc="upper right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=layout.font - 1,
        labelcolor=MUTED,
        handlelength=1.0,
        handleheight=1.0,
        handletextpad=0.4,
        columnspacing=1.1,
        borderaxespad=0.5,
    )


def level(axes: Axes, y: float) -> None:
    """A dashed horizontal line: a limit."""
    axes.axhline(y, color=INK, linewidth=1.1, linestyle=DASHES, zorder=4)


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=_DOTS_PER_INCH, metadata={"Software": "wva"})


def as_svg(figure: Figure, name: str) -> str:
    """A figure as an SVG element that takes its greys from the page's CSS; its ids start with ``name``."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # A fixed size would not shrink with the page.
    text = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", text, count=1)
    text = re.sub(r'(<svg [^>]*?)width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in ((INK, "ink"), (MUTED, "muted"), (GRID, "grid"), (PAPER, "paper")):
        text = text.replace(colour, f"var(--{variable})")
    return text


def _wrapped(text: str, layout: Layout) -> list[str]:
    """Lines of a text that fit the figure's width, by the usual width of a character."""
    most = int((layout.width - 0.24) * 72 / (layout.font * 0.56))
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Ascending places as near to the wanted ones as lets labels of these heights not touch."""
    places = list(wanted)
    for _ in range(100):
        moved = False
        for index in range(len(places) - 1):
            overlap = (heights[index] + heights[index + 1]) / 2 - (places[index + 1] - places[index])
            if overlap > 0.01:
                places[index] -= overlap / 2
                places[index + 1] += overlap / 2
                moved = True
        if not moved:
            break
    return places


def steps(starts: np.ndarray, values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a line that holds each value from its start to the next."""
    ends = np.append(starts[1:], starts[-1] + width if len(starts) else 0.0)
    return np.column_stack((starts, ends)).ravel(), np.repeat(values, 2, axis=0)

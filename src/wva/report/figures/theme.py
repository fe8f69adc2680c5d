"""How every figure looks: sizes and fonts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib

from wva.report.colours import GRID, INK, MUTED, PAPER


@dataclass(frozen=True, slots=True)
class Layout:
    """A width to draw for."""

    width: float
    """Inches."""
    font: float
    """Points."""
    left: float
    """Inches left of the axes."""
    right: float
    """Inches right of the axes, where direct labels stand."""

    @property
    def narrow(self) -> bool:
        """Whether it is for a phone."""
        return self.width < 6


WIDE = Layout(width=11.0, font=11.0, left=0.75, right=1.45)
NARROW = Layout(width=4.4, font=9.5, left=0.52, right=0.98)


@contextmanager
def style(layout: Layout) -> Iterator[None]:
    """Matplotlib's settings for a figure; its backend and global state stay as they are."""
    settings: Any = {
        "font.size": layout.font,
        "text.color": INK,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.linewidth": 0.8,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": layout.font - 1,
        "ytick.labelsize": layout.font - 1,
        "ytick.major.size": 0,
        "ytick.minor.size": 0,
        "xtick.major.width": 0.8,
        "figure.facecolor": PAPER,
        "hatch.linewidth": 0.6,
        "lines.solid_capstyle": "round",
        "lines.solid_joinstyle": "round",
        "svg.fonttype": "path",
        "svg.hashsalt": "wva",
    }
    with matplotlib.rc_context(settings):
        yield

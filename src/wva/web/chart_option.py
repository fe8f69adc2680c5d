"""What ECharts is told to draw.

Colours that depend on light and dark are CSS variables: charts are SVG, so the page's style reaches into them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.web.curves import Curve

OPACITY = {"ready": 0.92, "starting": 0.45, "draining": 0.22, "pending": 0.06}
"""Of a variant's colour, by the state of its replicas."""
_MS = 1000.0
_FONT = "Roboto, system-ui, sans-serif"

Series = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Key:
    """A line of a chart's legend."""

    text: str
    colour: str
    opacity: float = 1.0
    mark: str = "area"
    """``area``, ``line``, ``dashed`` or ``outline``."""


def area(name: str, colour: str, phase: str, curve: Curve) -> Series:
    """Replicas of a variant in one phase, on top of those before."""
    pending = phase == "pending"
    return {
        "name": name,
        "type": "line",
        "stack": "replicas",
        "step": "end",
        "showSymbol": False,
        "silent": True,
        "emphasis": {"disabled": True},
        "color": colour,
        "lineStyle": {"width": 1 if pending else 0, "type": "dashed"},
        "areaStyle": {"opacity": OPACITY[phase]},
        # A series of zeros adds nothing to the stack, and is most of what would be sent.
        "data": _points(curve) if any(y for _, y in curve) else [],
    }


def line(key: Key, curve: Curve, step: bool = False) -> Series:
    """A curve; with ``step`` a value holds until the next."""
    dashed = key.mark == "dashed"
    return {
        "name": key.text,
        "type": "line",
        **({"step": "end"} if step else {}),
        "showSymbol": False,
        "silent": True,
        "emphasis": {"disabled": True},
        "color": key.colour,
        "lineStyle": {"width": 1.4 if dashed else 1.8, "type": [5, 4] if dashed else "solid"},
        "data": _points(curve),
    }


def option(
    span_s: tuple[float, float], series: list[Series], unit: str, empty: bool, **axis: object
) -> Mapping[str, Any]:
    """A chart over this span of time.

    ``unit`` follows the numbers of the vertical axis; ``axis`` are options of it; ``empty`` says that nothing is known.
    """
    whole = ":max" not in axis
    text = {"color": "var(--muted)", "fontSize": 11, "fontFamily": _FONT}
    return {
        "animation": False,
        "title": {
            "show": empty,
            "text": "nothing known yet",
            "left": "center",
            "top": "middle",
            "textStyle": {**text, "fontSize": 13, "fontWeight": "normal"},
        },
        "useUTC": True,
        "grid": {"left": 40, "right": 14, "top": 10, "bottom": 24},
        "xAxis": {
            "type": "time",
            "min": span_s[0] * _MS,
            "max": span_s[1] * _MS,
            "splitNumber": 4,
            "axisLabel": {**text, ":formatter": "wva.time", "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": "var(--line)"}},
            "axisTick": {"lineStyle": {"color": "var(--line)"}},
            "splitLine": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "splitNumber": 3,
            "axisLabel": {
                **text,
                "showMaxLabel": whole,
                ":formatter": f"value => wva.short(value) + '{unit}'",
            },
            "splitLine": {"showMaxLine": whole, "lineStyle": {"color": "var(--line)"}},
            **axis,
        },
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": "var(--card)",
            "borderColor": "var(--line)",
            "textStyle": {"color": "var(--ink)", "fontSize": 12, "fontFamily": _FONT},
            "axisPointer": {"type": "line", "lineStyle": {"color": "var(--muted)"}},
            ":formatter": "wva.tip",
        },
        "series": series,
    }


def _points(curve: Curve) -> list[tuple[float, float | None]]:
    return [(x * _MS, y) for x, y in curve]

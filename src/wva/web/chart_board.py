"""The charts of a page, drawn anew after every turn."""

from collections.abc import Sequence
from html import escape

from nicegui import ui

from wva.web.chart_option import Key
from wva.web.charts import Chart, charts
from wva.web.elements import html, tag
from wva.web.feed import View


class Drawn:
    """The charts of the newest turn, made once for all pages."""

    def __init__(self) -> None:
        self._turn: tuple[float, int] | None = None
        self._charts: Sequence[Chart] = ()

    def of(self, view: View) -> tuple[tuple[float, int] | None, Sequence[Chart]]:
        """Which turn they show, and the charts; nothing before the first state."""
        if view.state is not None:
            turn = (view.state.started_at, view.ticks[-1].number if view.ticks else 0)
            if turn != self._turn:
                self._turn, self._charts = turn, charts(view.state, view.ticks)
        return self._turn, self._charts


class ChartBoard:
    """The charts, each with its title, unit and legend."""

    def __init__(self, drawn: Drawn) -> None:
        """Have no chart yet; ``update`` makes them."""
        self._drawn = drawn
        self._turn: tuple[float, int] | None = None
        self._place = tag("div", "charts")
        self._figures: dict[str, _Figure] = {}

    def update(self, view: View) -> None:
        """Show what is new."""
        turn, shown = self._drawn.of(view)
        if turn == self._turn:
            return
        self._turn = turn
        for chart in shown:
            if chart.name not in self._figures:
                with self._place:
                    self._figures[chart.name] = _Figure(chart)
            else:
                self._figures[chart.name].update(chart)


class _Figure:
    def __init__(self, chart: Chart) -> None:
        with tag("figure", f"card chart {chart.name}"):
            self._caption = html("caption", "figcaption")
            self._plot = ui.echart(dict(chart.option), renderer="svg").props('role="img"').classes("plot")
        self._said = ""
        self._describe(chart)

    def update(self, chart: Chart) -> None:
        self._plot.options.clear()
        self._plot.options.update(chart.option)
        self._describe(chart)
        self._plot.update()

    def _describe(self, chart: Chart) -> None:
        keys = "".join(_key_html(key) for key in chart.keys)
        self._caption.content = (
            f'<h3>{escape(chart.title)}</h3><span class="muted">{escape(chart.unit)}</span>'
            f'<span class="keys">{keys}</span>'
        )
        self._plot._props["aria-label"] = chart.said


def _key_html(key: Key) -> str:
    return (
        f'<span class="key"><i class="mark {key.mark}" style="--colour:{key.colour};opacity:{key.opacity:g}"></i>'
        f"{escape(key.text)}</span>"
    )

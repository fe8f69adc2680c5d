"""The stream of decisions, newest first."""

from dataclasses import dataclass

from nicegui import ui

from wva.live.state import LiveState
from wva.report.colours import variant_colours
from wva.web.decision_html import body_html, kind, summary_html
from wva.web.elements import Tag, html, tag
from wva.web.feed import View
from wva.web.stream import Entry, entries

MOST_SHOWN = 60


@dataclass(slots=True)
class _Row:
    element: Tag
    summary: ui.html
    body: ui.html
    entry: Entry


class DecisionList:
    """Entries that open to the reasons; an open one stays open while the stream goes on."""

    def __init__(self) -> None:
        self._run: float | None = None
        self._rows: dict[int, _Row] = {}
        with tag("section", "card decisions").props('aria-labelledby="decisions"'):
            with tag("div", "caption"):
                tag("h3", text="Decisions").props('id="decisions"')
                tag("span", "muted", "newest first, reasons on click")
            self._list = tag("div", "stream").props(
                'tabindex="0" role="log" aria-live="off" aria-labelledby="decisions"'
            )
            with self._list:
                self._none = tag("p", "none", "No decision yet. The first comes within one interval of the loop.")

    def update(self, view: View) -> None:
        """Show what is new."""
        state = view.state
        if state is None:
            return
        if state.started_at != self._run:
            for row in self._rows.values():
                row.element.delete()
            self._run, self._rows = state.started_at, {}
        shown = entries(view.ticks)[-MOST_SHOWN:]
        self._none.set_visibility(not shown)
        for entry in shown:
            row = self._rows.get(entry.first.number) or self._add(entry, state)
            if row.entry != entry:
                self._fill(row, entry, state)
        for number in [number for number in self._rows if number < shown[0].first.number] if shown else []:
            self._rows.pop(number).element.delete()

    def _add(self, entry: Entry, state: LiveState) -> _Row:
        with self._list:
            element = tag("details", kind(entry))
            element.move(target_index=0)
            with element:
                row = _Row(element, html("summary", "summary"), html("reasons"), entry)
        self._rows[entry.first.number] = row
        self._fill(row, entry, state)
        return row

    def _fill(self, row: _Row, entry: Entry, state: LiveState) -> None:
        colours = variant_colours([variant.name for variant in state.variants])
        row.entry = entry
        row.summary.content = summary_html(entry, state.started_at, colours)
        row.body.content = body_html(entry, colours)

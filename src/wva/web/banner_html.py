"""What must be seen at once, as HTML: the fleet is lost, actuation is paused, something is wrong."""

from collections.abc import Iterator
from html import escape

from wva.web.feed import View


def banner_html(view: View) -> str:
    """All that is to be said; empty where all is well."""
    return "".join(f'<p class="{kind}" role="{_role(kind)}">{text}</p>' for kind, text in _said(view))


def _said(view: View) -> Iterator[tuple[str, str]]:
    if view.lost is not None and view.state is not None:
        yield (
            "alarm",
            f"<b>The fleet cannot be heard</b>: {escape(view.lost)}. "
            "What is below is as it was then. It is looked for again every second.",
        )
    if view.state is None:
        return
    for part, text in sorted(view.state.problems.items()):
        yield "alarm", f"<b>{escape(part)}</b> {escape(text)}"
    if view.state.paused:
        yield "remark", "<b>Paused.</b> Decisions are made and recorded, and not carried out."


def _role(kind: str) -> str:
    return "alert" if kind == "alarm" else "status"

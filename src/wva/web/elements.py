"""Plain HTML elements on a NiceGUI page."""

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

Handler = Callable[[], Awaitable[None]]


class Tag(ui.element):
    """An element of HTML with text, where it has no children."""

    def __init__(self, name: str, classes: str = "", text: str | None = None) -> None:
        """``classes`` are CSS classes, separated by spaces."""
        super().__init__(name)
        self.classes(classes)
        self._text = text

    @property
    def text(self) -> str | None:
        """Its text."""
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.update()


def tag(name: str, classes: str = "", text: str | None = None) -> Tag:
    """An element of HTML; children go inside a ``with``."""
    return Tag(name, classes, text)


def html(classes: str, name: str = "div") -> ui.html:
    """An element whose whole inside is HTML of ours, with everything that came from elsewhere escaped."""
    return ui.html("", sanitize=False, tag=name).classes(classes)


def button(identity: str, text: str, handler: Handler | None = None, js: str | None = None) -> Tag:
    """A button; ``js`` is what it does in the browser alone."""
    made = Tag("button", text=text)
    if identity:
        made.props(f'id="{identity}"')
    arguments: dict[str, Any] = {} if js is None else {"js_handler": js}
    made.on("click", handler, **arguments)
    return made

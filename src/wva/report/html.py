"""Parts of pages that need nothing else."""

from collections.abc import Iterable
from html import escape
from importlib import resources


def document(title: str, parts: Iterable[str]) -> str:
    """A whole page, with its style."""
    style = resources.files("wva.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def figure(name: str, wide: str, narrow: str, caption: str = "") -> str:
    """A figure as SVG, one for each width of page, with plain text below where there is some."""
    below = f'<figcaption class="note">{escape(caption)}</figcaption>\n' if caption else ""
    return (
        f'<figure id="{escape(name)}">\n<div class="wide">{wide}</div>\n<div class="narrow">{narrow}</div>\n'
        f"{below}</figure>"
    )


def definitions(entries: Iterable[tuple[str, str]]) -> str:
    """Terms and what is said of each, as plain text."""
    items = "\n".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in entries)
    return f"<dl>\n{items}\n</dl>"

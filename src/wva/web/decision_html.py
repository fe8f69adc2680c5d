"""One entry of the stream of decisions, as HTML."""

from collections.abc import Mapping
from html import escape

from wva.live.state import TickState, VariantPoint
from wva.web import words
from wva.web.stream import FAILED, Entry, changed, headline, wish

_BECAUSE = {"arrival_at_zero": "a request found no replica", "burst": "a burst", "manual": "people asked for it"}


def kind(entry: Entry) -> str:
    """The entry's class: ``failed``, ``changed`` or ``held``."""
    return "failed" if entry.last.result in FAILED else "held" if entry.held else "changed"


def summary_html(entry: Entry, started_at: float, colours: Mapping[str, str]) -> str:
    """When, what changes, and why in a sentence."""
    tick = entry.last
    moves = "".join(_move(point, colours) for point in changed(tick)) if not entry.held else ""
    moved = f'<span class="moves">{moves}</span>' if moves else ""
    return (
        f"<time>{words.age(entry.first.time - started_at)}</time>"
        f'<span class="what">{moved}<span class="words">{escape(headline(entry))}</span></span>'
    )


def body_html(entry: Entry, colours: Mapping[str, str]) -> str:
    """The whole argument, variant by variant, and the circumstances."""
    tick = entry.last
    return "".join(_variant(point, colours) for point in tick.variants) + _circumstances(tick)


def _move(point: VariantPoint, colours: Mapping[str, str]) -> str:
    up = (point.target or 0) > (point.before or 0)
    return (
        f'<span class="move"><i class="swatch" style="background:{colours.get(point.name, "var(--muted)")}"></i>'
        f"{escape(point.name)} <b>{_or_unknown(point.before)} → {_or_unknown(point.target)}</b>"
        f'<span class="arrow" aria-hidden="true">{"▲" if up else "▼"}</span></span>'
    )


def _variant(point: VariantPoint, colours: Mapping[str, str]) -> str:
    colour = colours.get(point.name, "var(--muted)")
    count = (
        f"holds at {_or_unknown(point.target)}"
        if point.target == point.before
        else f"{_or_unknown(point.before)} → {_or_unknown(point.target)}"
    )
    reasons = "".join(
        f"<li><code>{escape(code)}</code> {escape(text)}</li>"
        for code, text in zip(point.reason_codes, point.reasons, strict=True)
    )
    detail = f": {escape(point.outcome_detail)}" if point.outcome_detail else ""
    outcome = f"<li><code>outcome</code> {escape(point.outcome)}{detail}</li>" if point.outcome else ""
    return (
        f'<h4><i class="swatch" style="background:{colour}"></i>{escape(point.name)} {count}</h4>'
        f"<ul>{reasons or '<li>no reason given</li>'}{outcome}</ul>"
    )


def _circumstances(tick: TickState) -> str:
    told = [f"Decision {tick.number}, made in {tick.decide_ms:.1f} ms"]
    if tick.trigger in _BECAUSE:
        told.append(f"early, because {tick.cause or _BECAUSE[tick.trigger]}")
    if tick.paused:
        told.append("not applied: actuation is paused")
    names = sorted({name for point in tick.variants for name in point.shadows})
    for name in names:
        other = wish(tick, name)
        told.append(f"{name} would have {other}" if other else f"{name} would have the same")
    problems = "".join(f"<li><code>{escape(part)}</code> {escape(text)}</li>" for part, text in tick.problems.items())
    listed = f'<ul class="problems">{problems}</ul>' if problems else ""
    return f'{listed}<p class="muted">{escape("; ".join(told))}.</p>'


def _or_unknown(count: int | None) -> str:
    return words.UNKNOWN if count is None else str(count)

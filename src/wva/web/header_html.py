"""The top and the bottom of the page, and what is there before anything is known, as HTML."""

from html import escape

from wva.live.state import LiveState
from wva.web import words
from wva.web.feed import View

LOGO = (
    '<svg class="logo" viewBox="0 0 32 32" role="img" aria-label="WVA"><rect width="32" height="32" rx="8" '
    'fill="#1f6fe0"/><g fill="#fff"><rect x="6" y="17" width="5" height="9" rx="1"/><rect x="13.5" y="11" width="5" '
    'height="15" rx="1" opacity=".8"/><rect x="21" y="6" width="5" height="20" rx="1" opacity=".6"/></g></svg>'
)


def header_html(view: View) -> str:
    """Which fleet, for how long, and how it is."""
    state = view.state
    if state is None:
        return f"{LOGO}<h1>WVA</h1>{_pill('waiting', 'looking for the fleet')}"
    if view.lost is not None:
        pill = _pill("lost", f"lost for {words.age(view.lost_for_s)}")
    else:
        pill = _pill("paused", "paused") if state.paused else _pill("live", "live")
    speed = f", {state.speed:g} times as fast as the world" if state.speed != 1 else ""
    facts = f"up for {words.age(state.now - state.started_at)}, policy {escape(state.policy)}{speed}"
    return f'{LOGO}<h1>{escape(state.fleet)}</h1>{pill}<span class="facts muted">{facts}</span>'


def where_html(state: LiveState) -> str:
    """Where clients send requests, and where things are kept."""
    load = " The demonstration load has ended; the fleet goes on." if state.load_ended else ""
    shadows = ", ".join(state.shadows)
    others = (
        f" What {escape(shadows)} would have is for the same observations; it is never carried out, so what would "
        "have followed from it is not known."
        if shadows
        else ""
    )
    return (
        f"<p>Requests go to <code>{escape(state.gateway_url)}/v1</code>. Journal and logs are in "
        f"<code>{escape(state.run_directory)}</code>.{load}</p>"
        f"<p>Times, rates and prices are in the fleet's own time.{others}</p>"
    )


def looking_html(address: str, why: str | None) -> str:
    """The page while no fleet has been heard of."""
    return (
        '<div class="looking"><div class="bars" aria-hidden="true"><i></i><i></i><i></i></div>'
        "<h2>Looking for a fleet</h2>"
        f"<p>In <code>{escape(address)}</code>, again every second. Start one with <code>wva up</code>.</p>"
        f'<p class="muted">{escape(why or "")}</p></div>'
    )


def _pill(kind: str, text: str) -> str:
    return f'<span class="pill {kind}"><i class="dot"></i>{escape(text)}</span>'

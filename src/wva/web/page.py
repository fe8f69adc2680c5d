"""One open page: its elements, and how they follow the fleet."""

from nicegui import app, ui
from nicegui.events import GenericEventArguments

from wva.web.access import Obedient, Order, Unlock, carry_out
from wva.web.banner_html import banner_html
from wva.web.chart_board import ChartBoard, Drawn
from wva.web.decision_list import DecisionList
from wva.web.elements import button, html, tag
from wva.web.feed import Feed
from wva.web.header_html import header_html, looking_html, where_html
from wva.web.replica_cards import ReplicaCards
from wva.web.tiles import tiles, tiles_html

_CLOSE = "document.getElementById('token').close()"

TOKEN = "token"
"""Where the token of a browser's tab is kept, in the memory of this process."""


class Page:
    """Everything that one visitor sees."""

    def __init__(self, feed: Feed, drawn: Drawn, unlock: Unlock, address: str) -> None:
        """Build it within a NiceGUI page; from then on it follows the feed until the visitor is gone."""
        self._feed = feed
        self._unlock = unlock
        self._address = address
        self._client = ui.context.client
        self._pending: Order | None = None
        with tag("div", "page") as self._root:
            with tag("header", "bar"):
                self._header = html("identity")
                self._pause = button("pause", "Pause", self._turn_pause)
                button("theme", "", js="() => wva.turn()")
            self._banner = html("banner").props('aria-live="polite"')
            self._empty = html("empty")
            with tag("main", "content") as self._content:
                self._tiles = html("tiles", "dl").props('aria-label="How the fleet does"')
                with tag("div", "left"):
                    self._board = ChartBoard(drawn)
                with tag("div", "right"):
                    self._cards = ReplicaCards(self._order_pin)
                    self._decisions = DecisionList()
            self._where = html("where", "footer")
        self._token_dialog()
        self._client.on_delete(feed.subscribe(self._follow))
        ui.run_javascript("wva.show(wva.theme())")
        self._update()

    def _follow(self) -> None:
        with self._client:
            self._update()

    def _update(self) -> None:
        view = self._feed.view
        state = view.state
        self._header.content = header_html(view)
        self._banner.content = banner_html(view)
        self._root.classes(add="lost" if view.lost else "", remove="" if view.lost else "lost")
        self._empty.set_visibility(state is None)
        self._content.set_visibility(state is not None)
        reachable = state is not None and view.lost is None
        self._pause.props(add="" if reachable else "disabled", remove="disabled" if reachable else "")
        if state is None:
            self._empty.content = looking_html(self._address, view.lost)
            return
        self._pause.props(f'aria-pressed="{str(state.paused).lower()}"')
        self._pause.text = "Resume" if state.paused else "Pause"
        self._tiles.content = tiles_html(tiles(state, view.ticks))
        self._board.update(view)
        self._cards.update(state)
        self._decisions.update(view)
        self._where.content = where_html(state)

    async def _turn_pause(self) -> None:
        state = self._feed.view.state
        if state is None:
            return
        await self._order(_resume if state.paused else _pause)

    async def _order_pin(self, variant: str, count: int | None) -> None:
        await self._order(_unpin(variant) if count is None else _pin(variant, count))

    async def _order(self, order: Order) -> None:
        """Have it carried out with the tab's token; ask for the token where there is none or it is wrong."""
        self._pending = order
        token = app.storage.tab.get(TOKEN)
        if token is None:
            self._ask("Changing a running fleet needs its token, which stands in run.json in the directory of its run.")
            return
        refusal = await carry_out(order, self._unlock, token)
        if refusal is None:
            self._pending = None
            ui.run_javascript(_CLOSE)
        elif refusal.wrong_token:
            app.storage.tab.pop(TOKEN, None)
            self._ask(refusal.text)
        else:
            self._pending = None
            ui.run_javascript(_CLOSE)
            ui.notify(refusal.text, type="negative", position="bottom", timeout=8000)
            self._cards.reset()

    def _ask(self, message: str) -> None:
        self._message.text = message
        ui.run_javascript("wva.ask()")

    async def _answer(self, event: GenericEventArguments) -> None:
        app.storage.tab[TOKEN] = event.args
        if self._pending is not None:
            await self._order(self._pending)

    async def _give_up(self) -> None:
        self._pending = None
        self._cards.reset()

    def _token_dialog(self) -> None:
        with (
            tag("dialog").props('id="token" aria-labelledby="token-title"').on("cancel", self._give_up),
            tag("form").on("submit", self._answer, js_handler="event => emit(wva.answered(event))"),
        ):
            tag("h2", text="Token").props('id="token-title"')
            self._message = tag("p", text="")
            tag("input").props('type="password" name="token" autocomplete="off" required aria-label="Token"')
            with tag("div", "answers"):
                button("", "Cancel", self._give_up, js=f"() => {{ {_CLOSE}; emit() }}").props('type="button"')
                tag("button", "strong", text="Go on").props('type="submit"')


async def _pause(fleet: Obedient) -> None:
    await fleet.pause()


async def _resume(fleet: Obedient) -> None:
    await fleet.resume()


def _pin(variant: str, count: int) -> Order:
    return lambda fleet: fleet.pin(variant, count)


def _unpin(variant: str) -> Order:
    return lambda fleet: fleet.unpin(variant)

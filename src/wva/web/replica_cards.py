"""The replicas that are there now, and the choice of who decides on their number."""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.events import GenericEventArguments

from wva.live.state import LiveState, VariantState
from wva.report.colours import variant_colours
from wva.web.elements import Tag, html, tag
from wva.web.fleet_html import head_html, replicas_html

OnPin = Callable[[str, int | None], Awaitable[None]]
"""Told a variant, and the count to hold it at; ``None`` lets the policy decide."""
AUTOMATIC = "auto"


class ReplicaCards:
    """A card for each variant."""

    def __init__(self, on_pin: OnPin) -> None:
        """Have no card yet; ``update`` makes them."""
        self._on_pin = on_pin
        self._place = tag("section", "variants").props('aria-label="Replicas now"')
        self._cards: dict[tuple[str, int, int], _Card] = {}

    def update(self, state: LiveState) -> None:
        """Show what is there now."""
        wanted = {(variant.name, variant.min_replicas, variant.max_replicas): variant for variant in state.variants}
        if list(self._cards) != list(wanted):
            self._place.clear()
            with self._place:
                self._cards = {key: _Card(variant, self._on_pin) for key, variant in wanted.items()}
        colours = variant_colours([variant.name for variant in state.variants])
        for key, variant in wanted.items():
            self._cards[key].update(variant, colours[variant.name], state.now)

    def reset(self) -> None:
        """Show again who decides in truth, where a choice was not taken."""
        for card in self._cards.values():
            card.reset()


class _Card:
    def __init__(self, variant: VariantState, on_pin: OnPin) -> None:
        self._variant = variant.name
        self._on_pin = on_pin
        self._value = AUTOMATIC
        with tag("article", "card variant"):
            with tag("div", "top"):
                self._head = html("head")
                self._choice = self._select(variant)
            self._replicas = html("replicas")

    def update(self, variant: VariantState, colour: str, now: float) -> None:
        self._head.content = head_html(variant, colour)
        self._replicas.content = replicas_html(variant, colour, now)
        value = AUTOMATIC if variant.pinned is None else str(variant.pinned)
        if value != self._value:
            self._value = value
            self.reset()

    def reset(self) -> None:
        ui.run_javascript(f"wva.choose({self._choice.id}, {self._value!r})")

    def _select(self, variant: VariantState) -> Tag:
        choice = tag("select", "pin").props(f'aria-label="Who decides on the count of {variant.name}"')
        with choice:
            tag("option", text="policy decides").props(f'value="{AUTOMATIC}"')
            for count in range(variant.min_replicas, variant.max_replicas + 1):
                tag("option", text=f"hold at {count}").props(f'value="{count}"')
        return choice.on("change", self._chosen, js_handler="event => emit(event.target.value)")

    async def _chosen(self, event: GenericEventArguments) -> None:
        await self._on_pin(self._variant, None if event.args == AUTOMATIC else int(event.args))

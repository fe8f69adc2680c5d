"""Changing a fleet from a page: who may, and what becomes of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from wva.fleet.errors import UserError
from wva.live.state import LiveState, TickState


class Watched(Protocol):
    """A fleet as a page has it. ``UserError`` says that it cannot be reached."""

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        """The turns that are kept with a number above ``since``, oldest first."""

    def events(self) -> AsyncIterator[LiveState | TickState]:
        """A state at once and every second, and every turn as it ends."""

    def unlock(self, token: str) -> "Obedient | None":
        """The fleet for one who shows this token; ``None`` where it is wrong."""


class Obedient(Protocol):
    """What a page may ask for with the token. ``UserError`` says why it cannot be."""

    async def pause(self) -> None:
        """Decide, but apply nothing."""

    async def resume(self) -> None:
        """Apply again what is decided."""

    async def pin(self, variant: str, count: int) -> None:
        """Hold a variant at a count."""

    async def unpin(self, variant: str) -> None:
        """Let the policy decide again."""


Unlock = Callable[[str], Obedient | None]
"""The fleet for one who shows this token; ``None`` where it is wrong."""
Order = Callable[[Obedient], Awaitable[None]]
"""Something that is asked of the fleet."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order was not taken."""

    text: str
    wrong_token: bool = False


async def carry_out(order: Order, unlock: Unlock, token: str) -> Refusal | None:
    """Ask it of the fleet; ``None`` where it was taken."""
    try:
        fleet = unlock(token)
        if fleet is None:
            return Refusal("This is not the token of the fleet that runs now.", wrong_token=True)
        await order(fleet)
    except UserError as error:
        return Refusal(str(error))
    return None

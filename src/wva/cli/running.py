"""What commands about a running fleet share."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wva.live.client import LiveClient

RunArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The directory that the fleet was started with.")]
RunOption = Annotated[Path, typer.Option("--run", metavar="DIR", help="The directory that the fleet was started with.")]


def order(directory: Path, give: "Callable[[LiveClient], Awaitable[None]]") -> None:
    """Tell the fleet of a directory something. Raises ``UserError`` where none runs there, or it cannot do that."""

    async def tell() -> None:
        from wva.live.client import live_client  # noqa: PLC0415

        async with live_client(directory) as fleet:
            await give(fleet)

    asyncio.run(tell())

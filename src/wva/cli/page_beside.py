"""The live page beside ``wva up``."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from wva.fleet.errors import UserError
from wva.local.schema import DashboardSpec
from wva.web.launch import LaunchedPage, launch


@asynccontextmanager
async def page_beside(spec: DashboardSpec | None, directory: Path, console: Console) -> AsyncIterator[None]:
    """Show a fleet that runs in this directory, and say where. A fleet without its page is still a fleet."""
    launching = None if spec is None else asyncio.create_task(_launch(spec, directory, console))
    try:
        yield
    finally:
        if launching is not None:
            launching.cancel()
            page = (await asyncio.gather(launching, return_exceptions=True))[0]
            if isinstance(page, LaunchedPage):
                await page.close()


async def _launch(spec: DashboardSpec, directory: Path, console: Console) -> LaunchedPage | None:
    try:
        page = await launch(directory, spec.host, spec.port)
    except UserError as error:
        console.print(Text.assemble(("page    ", "dim"), (str(error), "yellow")), soft_wrap=True)
        return None
    console.print(Text.assemble(("page    ", "dim"), page.url), soft_wrap=True)
    return page

"""The page's web server: NiceGUI on uvicorn, in the loop of a process that does nothing else."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources

import uvicorn
from fastapi import FastAPI
from nicegui import ui

from wva.control.clock import SystemClock
from wva.fleet.errors import UserError
from wva.web.access import Unlock, Watched
from wva.web.chart_board import Drawn
from wva.web.feed import Feed
from wva.web.header_html import LOGO
from wva.web.page import Page

BACKLOG = 128
HTTP_LEFT_S = 1
"""For answers under way when the page is stopped."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that the page can be asked at; any free port where ``port`` is 0.

    Raises:
        UserError: The address cannot be listened on.

    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise UserError(f"the page cannot listen on {host}:{port}: {error.strerror}; choose another port") from None


async def serve(
    fleet: Watched, address: str, listening: socket.socket, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Show the fleet to whoever asks, until cancelled.

    ``address`` names it to people; ``on_ready`` is called once the page can be asked for.
    """
    feed = Feed(fleet, SystemClock())
    server = _Server(
        uvicorn.Config(
            _application(feed, fleet.unlock, address), log_level="error", timeout_graceful_shutdown=HTTP_LEFT_S
        )
    )
    following = asyncio.create_task(feed.follow())
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not (server.started or serving.done()):
            await asyncio.sleep(0.02)
        if server.started:
            on_ready()
        ended, _ = await asyncio.wait((following, serving), return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        server.should_exit = True
        following.cancel()
        await asyncio.wait((following, serving))


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _application(feed: Feed, unlock: Unlock, address: str) -> FastAPI:
    files = resources.files("wva.web")
    style, script = (files.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    drawn = Drawn()

    def page() -> None:
        ui.add_head_html(f"<style>{style}</style><script>{script}</script>")
        Page(feed, drawn, unlock, address)

    application = FastAPI(openapi_url=None)
    ui.run_with(
        application, root=page, title="WVA", favicon=LOGO, dark=None, tailwind=False, show_welcome_message=False
    )
    return application

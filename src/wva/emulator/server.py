"""The HTTP server around the core: from nothing listens, to up, to the end."""

import asyncio
import os
import socket
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from wva.emulator.core import Core
from wva.emulator.errors import ApiError
from wva.emulator.metrics.http import UNCOUNTED
from wva.emulator.routes import Routes
from wva.emulator.settings import Settings
from wva.emulator.shape import json_response
from wva.fleet.errors import UserError

CRASHED = 1
"""Exit code of a crash that was asked for."""
OWN_PREFIX = "/emulator"
"""Below it are the emulator's own endpoints."""

_BACKLOG = 1024
_LAST_WORDS_S = 1.0
"""Real seconds that cut responses have to get their last bytes out."""


def die() -> None:
    """End the process as a crash does: no cleanup, connections reset."""
    os._exit(CRASHED)


def listen(host: str, port: int) -> socket.socket:
    """Take the port without listening on it yet, so that connections are refused.

    Raises ``UserError`` when it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except (OSError, OverflowError) as error:
        taken.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot listen on {host}:{port}: {reason}; choose another --port or --host") from error
    return taken


class EmulatedServer:
    """A server and its life. Made and used inside one event loop."""

    def __init__(self, settings: Settings, crash: Callable[[], None] = die) -> None:
        """Take the port; nothing listens before ``start``.

        Raises ``UserError`` when the port cannot be had.
        """
        self.settings = settings
        self._socket = listen(settings.host, settings.port)
        self._crash = crash
        self._core: Core | None = None
        self._runner: web.AppRunner | None = None
        self._begun = asyncio.get_running_loop().time()

    @property
    def url(self) -> str:
        """Base of the server's addresses."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def core(self) -> Core:
        """What is behind the edge, once started."""
        assert self._core is not None
        return self._core

    async def start(self) -> None:
        """Be up after the start-up time, counted from when this was made.

        Raises ``UserError`` where the settings describe no server that could run.
        """
        try:
            core = Core(self.settings, self._crash)
        except UserError:
            self._socket.close()
            raise
        self._core = core
        spent = asyncio.get_running_loop().time() - self._begun
        await asyncio.sleep(core.clock.real_s(self.settings.startup_s) - spent)
        # Zero is no limit: a prompt of many megabytes is answered with what is wrong with it.
        app = web.Application(middlewares=[_instrumented(core), _with_errors], client_max_size=0)
        app.add_routes(Routes(core).table())
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=_LAST_WORDS_S, keepalive_timeout=75
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, backlog=_BACKLOG).start()
        core.begin()

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """End as at SIGTERM: drain for the shutdown timeout, cut the rest, close; ``hurry`` cuts at once."""
        if self._core is not None and self._runner is not None:
            await self._core.drain(self.settings.shutdown_timeout_s, hurry or asyncio.Event())
            await self._runner.cleanup()
        if self._core is not None:
            self._core.close()
        self._socket.close()


@web.middleware
async def _with_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in vLLM's shape."""
    try:
        return await handler(request)
    except ApiError as error:
        return json_response(error.body(), status=error.status)
    except web.HTTPException as error:
        return json_response({"detail": HTTPStatus(error.status).phrase}, status=error.status)


def _instrumented(core: Core) -> Middleware:
    """Count every request; let none through while the server hangs."""

    @web.middleware
    async def instrumented(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(OWN_PREFIX):
            await core.answering.wait()
        resource = request.match_info.route.resource
        route = "none" if resource is None else resource.canonical
        begun = core.clock.now()
        response = await handler(request)
        if route not in UNCOUNTED and not route.startswith(OWN_PREFIX):
            core.http.count(
                request.method,
                route,
                response.status,
                request.content_length or 0,
                response.content_length or 0,
                core.clock.now() - begun,
            )
        return response

    return instrumented

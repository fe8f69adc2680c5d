"""The control API of a running fleet: what ``wva.live.state`` describes, over HTTP on this machine."""

import json
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import ClientConnectionResetError, web

from wva.fleet.errors import UserError
from wva.fleet.readings import Endpoint
from wva.live.state import LiveFleet, LiveState, TickState
from wva.record.column import column

HOST = "127.0.0.1"
_LARGEST_ORDER = 4096
"""Bytes of the body of an order."""

Targets = Callable[[], list[Endpoint]]
"""Says which instances there are to scrape."""


class ControlServer:
    """Answers those who watch a fleet, and lets those who have the token change something."""

    def __init__(self, fleet: LiveFleet, token: str, targets: Targets) -> None:
        """``targets`` are for a Prometheus server's HTTP service discovery."""
        self._fleet = fleet
        self._token = token
        self._targets = targets
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> str:
        """Listen on this machine's own address; return the base of the API's addresses.

        Raises:
            UserError: The port cannot be listened on.

        """
        app = web.Application(middlewares=[_as_json], client_max_size=_LARGEST_ORDER)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/ticks", self._ticks)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/targets", self._show_targets)
        for name in ("pause", "resume", "pin", "unpin"):
            app.router.add_post(f"/api/{name}", self._order)
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            await self.stop()
            raise UserError(f"control API: {HOST}:{port} cannot be used ({error.strerror}); choose another") from None
        return f"http://{HOST}:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close; whoever listens is cut off."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _state(self, _: web.Request) -> web.Response:
        return _json(column(LiveState).encode(await self._fleet.state()))

    async def _ticks(self, request: web.Request) -> web.Response:
        since = _number(request.query.get("since", "0"), "since")
        ticks = [column(TickState).encode(tick) for tick in await self._fleet.ticks(since)]
        return _json(b'{"ticks": [' + b",".join(ticks) + b"]}")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await answer.prepare(request)
        try:
            async for event in self._fleet.events():
                await answer.write(_event(event))
        except (ClientConnectionResetError, ConnectionResetError):
            pass
        return answer

    async def _show_targets(self, _: web.Request) -> web.Response:
        groups = [
            {
                "targets": [endpoint.url.removeprefix("http://")],
                "labels": {"model": endpoint.model, "variant": endpoint.variant, "replica": endpoint.instance},
            }
            for endpoint in self._targets()
        ]
        return web.json_response(groups)

    async def _order(self, request: web.Request) -> web.Response:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(shown.encode(), self._token.encode()):
            return _wrong(HTTPStatus.UNAUTHORIZED, "show the token of run.json as Authorization: Bearer TOKEN")
        match request.path.rpartition("/")[2]:
            case "pause":
                await self._fleet.pause()
            case "resume":
                await self._fleet.resume()
            case "pin":
                given = await _body(request)
                await self._fleet.pin(_text(given, "variant"), _count(given))
            case "unpin":
                await self._fleet.unpin(_text(await _body(request), "variant"))
        return web.json_response({"ok": True})


@web.middleware
async def _as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what is wrong as one line."""
    try:
        return await handler(request)
    except UserError as error:
        return _wrong(HTTPStatus.BAD_REQUEST, str(error))
    except web.HTTPException as error:
        return _wrong(HTTPStatus(error.status), f"{request.method} {request.path}: {error.reason}")


def _wrong(status: HTTPStatus, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _event(event: LiveState | TickState) -> bytes:
    if isinstance(event, TickState):
        return b"id: %d\nevent: tick\ndata: %s\n\n" % (event.number, column(TickState).encode(event))
    return b"event: state\ndata: %s\n\n" % column(LiveState).encode(event)


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        data = json.loads(await request.read())
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise UserError('the body must be JSON such as {"variant": "a100", "count": 2}')
    return data


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str):
        raise UserError(f"{key} must be a name")
    return value


def _count(given: dict[str, Any]) -> int:
    value = given.get("count")
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UserError("count must be a whole number from 0 on")
    return value


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise UserError(f"{what} must be a whole number, not {text!r}")
    return int(text)

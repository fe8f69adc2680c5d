"""``/healthz`` and ``/readyz``: 200 and ``ok``, or 503 and a line that says what is wrong."""

from collections.abc import Callable

from aiohttp import web

from wva.fleet.clock import Clock
from wva.kubernetes.serving.health import Vitals, not_alive, not_ready


def probes(vitals: Callable[[], Vitals], clock: Clock, interval_s: float) -> web.Application:
    """The probes of a controller that turns every ``interval_s``; ``vitals`` says how it is, on this clock.

    That they answer at all says that the event loop turns: they are served by the one that everything else runs in.
    """

    async def healthz(_: web.Request) -> web.Response:
        return _answer(not_alive(vitals(), clock.monotonic(), interval_s))

    async def readyz(_: web.Request) -> web.Response:
        return _answer(not_ready(vitals()))

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    return application


def _answer(problem: str | None) -> web.Response:
    return web.Response(text="ok\n") if problem is None else web.Response(text=f"{problem}\n", status=503)

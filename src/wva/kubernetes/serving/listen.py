"""Listening on an address for as long as something is needed."""

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from wva.fleet.errors import UserError
from wva.kubernetes.settings_values import Address

_LEFT_S = 1.0
"""For answers under way at the end."""


@asynccontextmanager
async def listening(
    application: web.Application, address: Address, what: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve on the address, as ``what`` in messages, until left; gives the port.

    Raises ``UserError`` where the address cannot be listened on.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_LEFT_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host or None, address.port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise UserError(f"{what}: cannot listen on {address} ({why}); choose another address") from None
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()

"""An answer on its way from a replica to a client, chunk by chunk as it comes."""

import asyncio
from collections.abc import Callable, Iterable

from aiohttp import web
from multidict import CIMultiDict

from wva.gateway.connection import Answer
from wva.gateway.connections import Origin

_HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "trailers", "transfer-encoding", "upgrade"),
    )
)
"""Headers that are between two neighbours (RFC 9110, 7.6.1)."""
_NOT_ASKED_ON = frozenset(
    name.encode() for name in _HOP_BY_HOP | {"host", "content-length", "content-encoding", "accept-encoding", "expect"}
)
"""Content-Encoding too, as bodies are decoded on their way in, and Accept-Encoding: a compressed stream would hide its
tokens."""
_NOT_ANSWERED_ON = _HOP_BY_HOP | {"date", "server"}
_MOST_UNSENT = 1 << 16
"""Bytes that a client may be behind before its replica is read no further: what transports themselves bear."""


def asked_head(request: web.Request, origin: Origin, size: int) -> bytes:
    """The head of a request as it is sent on, before a body of ``size`` bytes."""
    path = origin.path + request.rel_url.raw_path_qs
    first = f"{request.method} {path} HTTP/1.1\r\nHost: {origin.name}\r\nContent-Length: {size}\r\n".encode()
    return b"".join((first, *_lines(request.raw_headers), b"\r\n"))


def _lines(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[bytes]:
    return (b"%b: %b\r\n" % (name, value) for name, value in headers if name.lower() not in _NOT_ASKED_ON)


def answer_to(upstream: Answer) -> web.StreamResponse:
    """An answer with a replica's status and headers, not yet begun."""
    headers = CIMultiDict(
        (name, value) for name, value in upstream.headers.items() if name.lower() not in _NOT_ANSWERED_ON
    )
    return web.StreamResponse(status=upstream.status, headers=headers)


class Relay:
    """Hands a replica's answer on to a client."""

    def __init__(
        self, request: web.Request, answer: web.StreamResponse, upstream: Answer, on_piece: Callable[[bytes], object]
    ) -> None:
        """``on_piece`` is told each piece that goes on."""
        self._request = request
        self._answer = answer
        self._upstream = upstream
        self._on_piece = on_piece

    async def run(self) -> None:
        """Return at the end of the replica's answer; the client's is then still to be ended.

        Raises:
            BrokenError: The replica broke off.
            ConnectionError: The client left.

        """
        await self._answer.prepare(self._request)
        first = self._upstream.taken()
        self._on_piece(first)
        await self._answer.write(first)
        # The head is out, and so is all before: from here on pieces go straight to the socket.
        transport = self._request.transport
        if transport is None:
            raise ConnectionResetError
        self._transport = transport
        self._chunked = self._answer.headers.get("Transfer-Encoding") == "chunked"
        self._upstream.pass_to(self._take)
        while not await self._upstream.passed():
            await self._request.writer.drain()
            self._upstream.resume()

    def _take(self, piece: bytes) -> None:
        transport = self._transport
        if transport.is_closing():
            # The client left; its request is about to be cancelled.
            return
        self._on_piece(piece)
        transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._chunked else piece)
        if transport.get_write_buffer_size() > _MOST_UNSENT:
            self._upstream.pause()


class Watchdog:
    """Calls back when an answer has been silent for too long, at the cost of a time stamp a chunk."""

    def __init__(self, timeout_s: float | None, on_silence: Callable[[], None]) -> None:
        """``None`` never calls."""
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._on_silence = on_silence
        self._heard = self._loop.time()
        self._timer = None if timeout_s is None else self._loop.call_later(timeout_s, self._look)

    def heard(self) -> None:
        """Something came."""
        self._heard = self._loop.time()

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        assert self._timeout_s is not None
        due = self._heard + self._timeout_s
        if self._loop.time() >= due:
            self._timer = None
            self._on_silence()
        else:
            self._timer = self._loop.call_at(due, self._look)

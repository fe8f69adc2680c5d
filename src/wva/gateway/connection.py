"""A connection to a replica: one request at a time, and its answer piece by piece as the socket has them.

An answer goes on to its client inside the callback that reads it, not through a task that is woken for each piece: with
hundreds of streams open, what a piece costs is what every new request waits for.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict


class BrokenError(Exception):
    """A replica closed the connection, or sent what is no HTTP, before its answer was whole."""


class Answer:
    """What a replica answers to one request. Somebody must read it to its end or close it."""

    def __init__(self, connection: "Connection") -> None:
        """Made by a connection alone."""
        self.status = 0
        self.headers: CIMultiDict[str] = CIMultiDict()
        self._connection: Connection | None = connection
        """Until the answer has ended."""
        self._broken = False
        self._paused = False
        self._pieces: list[bytes] = []
        """What came before somebody said where it goes."""
        self._sink: Callable[[bytes], object] = self._keep
        self._changed: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Return once a piece of the body is here, or its end. Raises ``BrokenError``."""
        while not self._pieces and self._connection is not None:
            await self._change()
        if self._broken and not self._pieces:
            raise BrokenError

    async def read(self) -> bytes:
        """All that is still to come. Raises ``BrokenError``."""
        await self.passed()
        return self.taken()

    def taken(self) -> bytes:
        """What is here."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    def pass_to(self, sink: Callable[[bytes], object]) -> None:
        """Hand on each piece from now on the moment it comes, what is here at once."""
        if self._pieces:
            sink(self.taken())
        self._sink = sink

    async def passed(self) -> bool:
        """Return true at the end of the body, false when it is paused. Raises ``BrokenError``."""
        while not self._paused and self._connection is not None:
            await self._change()
        if self._broken:
            raise BrokenError
        return self._connection is None

    def pause(self) -> None:
        """Read no more for now; what was read already still comes."""
        if self._connection is not None and not self._paused:
            self._paused = True
            self._connection.pause_reading()
            self._wake()

    def resume(self) -> None:
        """Read on."""
        if self._connection is not None and self._paused:
            self._connection.resume_reading()
        self._paused = False

    def close(self) -> None:
        """Take no more of it: where it has not ended, the replica sees that nobody listens."""
        if self._connection is not None:
            self._connection.abort()

    def feed(self, piece: bytes) -> None:
        """A piece of the body has come."""
        self._sink(piece)

    def end(self, broken: bool) -> None:
        """Nothing more comes."""
        self._connection = None
        self._broken = broken
        self._wake()

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._wake()

    async def _change(self) -> None:
        self._changed = asyncio.get_running_loop().create_future()
        await self._changed

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)


class Connection(asyncio.Protocol):
    """One connection, open until one of both sides ends it."""

    def __init__(self, on_free: Callable[["Connection"], None]) -> None:
        """``on_free`` is told when an answer has ended so that another request can be sent."""
        self._on_free = on_free
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._answer: Answer | None = None
        self._head_read = False
        self._until_close = False
        """Whether the present answer ends with the connection."""

    @property
    def usable(self) -> bool:
        """Whether a request can be sent."""
        return self._parser is not None and not self._transport.is_closing()

    def ask(self, head: bytes, body: bytes) -> Answer:
        """Send a request; the one before must have ended."""
        self._answer = Answer(self)
        self._transport.writelines((head, body))
        return self._answer

    def abort(self) -> None:
        """End it at once; an answer that has not ended is broken."""
        self._transport.abort()
        self._end(broken=True)

    def pause_reading(self) -> None:
        """Leave in the socket what comes."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        # uvloop's are transports by their methods only.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read what came, as far as it goes."""
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except HttpParserCallbackError:
            # No fault of the replica's: the loop says what it was.
            self.abort()
            raise
        except (HttpParserError, HttpParserUpgrade):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._end(broken=exc is not None or not self._until_close)
        # It holds this object's methods.
        self._parser = None

    def on_message_begin(self) -> None:
        """An answer begins (from here on: called by the parser)."""
        self._head_read = self._until_close = False
        if self._answer is None:
            # Nobody asked.
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is whole; those that follow a body are passed over."""
        if self._answer is not None and not self._head_read:
            self._answer.headers.add(name.decode(errors="replace"), value.decode(errors="replace"))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head_read = True
        if self._answer is not None and self._parser is not None:
            headers = self._answer.headers
            self._answer.status = self._parser.get_status_code()
            self._until_close = "Content-Length" not in headers and "Transfer-Encoding" not in headers

    def on_body(self, piece: bytes) -> None:
        """A piece of the body has come."""
        if self._answer is not None:
            self._answer.feed(piece)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._answer is None or self._parser is None:
            return
        if self._answer.status < HTTPStatus.OK:
            # An interim answer: the real one follows.
            self._answer.headers.clear()
            return
        # What is left of a request that was answered early would be taken for the beginning of the next one.
        free = self._parser.should_keep_alive() and not self._transport.get_write_buffer_size()
        self._answer.resume()
        self._end(broken=False)
        if free:
            self._on_free(self)
        else:
            self._transport.abort()

    def _end(self, broken: bool) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.end(broken)

"""What a replica may send, and when its connection carries another request."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from tests.waiting import until
from wva.gateway import connections as module
from wva.gateway.connection import Answer, BrokenError, Connection
from wva.gateway.connections import Connections, Origin, origin_of

ASKED = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\nhi"


Run = Callable[[Coroutine[Any, Any, None]], None]

IN_EITHER_LOOP = pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
"""Transports differ in what they write and pause when."""


class RawServer:
    """Sends given bytes for each request that comes."""

    def __init__(self, answer: bytes, then_closes: bool, piece: int | None) -> None:
        self._answer = answer
        self._then_closes = then_closes
        self._piece = piece or len(answer) or 1
        self.connections: list[asyncio.StreamWriter] = []
        """All that were opened."""
        self.closed = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                for begin in range(0, len(self._answer), self._piece):
                    writer.write(self._answer[begin : begin + self._piece])
                    await writer.drain()
                    await asyncio.sleep(0)
                if self._then_closes:
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            self.closed += 1
            writer.close()


@asynccontextmanager
async def listening(
    answer: bytes = WHOLE, then_closes: bool = False, piece: int | None = None
) -> AsyncIterator[tuple[RawServer, Connections, Origin]]:
    raw = RawServer(answer, then_closes, piece)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
    connections = Connections(5.0)
    try:
        yield raw, connections, origin_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        await connections.close()
        server.close()


async def ask(connections: Connections, origin: Origin, body: bytes = b"") -> tuple[Connection, Answer]:
    connection = await connections.get(origin)
    return connection, connection.ask(ASKED, body)


@pytest.mark.parametrize("piece", [None, 1, 7])
@pytest.mark.parametrize(
    ("sent", "closes", "status", "body"),
    [
        (WHOLE, False, 200, b"hi"),
        (CHUNKED + b"2\r\nhi\r\n4;extension=1\r\n you\r\n0\r\n\r\n", False, 200, b"hi you"),
        (CHUNKED + b"2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n", False, 200, b"hi"),
        (CHUNKED + b"0\r\n\r\n", False, 200, b""),
        (OK + b"\r\nuntil the end", True, 200, b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", True, 200, b"old"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, False, 200, b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", False, 204, b""),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy", False, 503, b"busy"),
    ],
)
async def test_answers_are_read_however_they_are_framed_and_cut(
    sent: bytes, closes: bool, status: int, body: bytes, piece: int | None
) -> None:
    async with listening(sent, closes, piece) as (_, connections, origin):
        _, answer = await ask(connections, origin)
        await answer.begun()
        assert answer.status == status
        assert await answer.read() == body
        assert "Trailer" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "begun"),
    [
        (b"", False),
        (b"HTTP/1.1 200 OK\r\nContent-", False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhi", False),
        (OK + b"Content-Length: 20\r\n\r\nhi", True),
        (CHUNKED + b"2\r\nhi\r\n", True),
        (CHUNKED + b"2\r\nhi\r\nno number\r\n", True),
        (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi", False),
    ],
)
async def test_an_answer_that_breaks_off_is_told_from_one_that_ends(sent: bytes, begun: bool) -> None:
    async with listening(sent, then_closes=True) as (_, connections, origin):
        _, answer = await ask(connections, origin)
        if begun:
            await answer.begun()
            assert answer.taken() == b"hi"
            with pytest.raises(BrokenError):
                await answer.passed()
        else:
            with pytest.raises(BrokenError):
                await answer.begun()


async def test_pieces_go_where_they_are_told_to_those_that_are_here_first() -> None:
    async with listening(CHUNKED + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", piece=1) as (_, connections, origin):
        _, answer = await ask(connections, origin)
        await answer.begun()
        seen: list[bytes] = []
        answer.pass_to(seen.append)
        assert seen == [b"a"]
        assert await answer.passed()
        assert seen == [b"a", b"b"]


@IN_EITHER_LOOP
def test_a_paused_answer_stays_in_the_socket(run: Run) -> None:
    async def story() -> None:
        body = bytes(50_000_000)
        async with listening(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body) as (_, connections, origin):
            _, answer = await ask(connections, origin)
            await answer.begun()
            size = 0

            def take(piece: bytes) -> None:
                nonlocal size
                size += len(piece)
                if size > 1_000_000:
                    answer.pause()

            answer.pass_to(take)
            assert not await answer.passed()
            seen = size
            await asyncio.sleep(0.1)
            assert size == seen < 2_000_000
            answer.resume()
            while not await answer.passed():
                answer.resume()
            assert size == len(body)

    run(story())


async def test_a_closed_answer_ends_its_connection() -> None:
    async with listening(CHUNKED + b"1\r\na\r\n") as (raw, connections, origin):
        connection, answer = await ask(connections, origin)
        await answer.begun()
        answer.close()
        assert not connection.usable
        await until(lambda: raw.closed == 1)


@pytest.mark.parametrize(
    ("sent", "closes", "again"),
    [
        (WHOLE, False, True),
        (CHUNKED + b"2\r\nhi\r\n0\r\n\r\n", False, True),
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi", False, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", False, False),
        (OK + b"\r\nhi", True, False),
        # More than was asked for.
        (WHOLE + WHOLE, False, False),
    ],
)
async def test_a_connection_carries_another_request_where_the_last_ended_well(
    sent: bytes, closes: bool, again: bool
) -> None:
    async with listening(sent, closes) as (raw, connections, origin):
        for _ in range(2):
            _, answer = await ask(connections, origin)
            assert await answer.read() == b"hi"
        assert len(raw.connections) == (1 if again else 2)


async def test_two_requests_at_once_have_a_connection_each() -> None:
    async with listening() as (raw, connections, origin):
        (one, first), (other, second) = await ask(connections, origin), await ask(connections, origin)
        assert one is not other
        assert [await first.read(), await second.read()] == [b"hi", b"hi"]
        assert len(raw.connections) == 2


async def test_a_connection_that_the_replica_has_closed_is_not_used() -> None:
    async with listening() as (raw, connections, origin):
        connection, answer = await ask(connections, origin)
        await answer.read()
        raw.connections[0].close()
        await until(lambda: not connection.usable)
        other, answer = await ask(connections, origin)
        assert await answer.read() == b"hi"
        assert other is not connection


async def test_a_connection_without_work_is_closed_before_model_servers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_ALIVE_S", 0.05)
    async with listening() as (raw, connections, origin):
        opened = await asyncio.gather(*(connections.get(origin) for _ in range(3)))
        for connection in opened:
            await connection.ask(ASKED, b"").read()
        await until(lambda: raw.closed == 3)
        assert not any(connection.usable for connection in opened)


@IN_EITHER_LOOP
def test_an_answer_before_the_request_was_sent_ends_the_connection(run: Run) -> None:
    async def story() -> None:
        async with listening() as (_, connections, origin):
            connection, answer = await ask(connections, origin, bytes(50_000_000))
            assert await answer.read() == b"hi"
            assert not connection.usable

    run(story())


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8101", Origin("127.0.0.1", 8101, False, "127.0.0.1:8101", "")),
        ("http://vllm/", Origin("vllm", 80, False, "vllm", "")),
        ("https://[::1]/models/a/", Origin("::1", 443, True, "[::1]", "/models/a")),
    ],
)
def test_where_addresses_lead(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["127.0.0.1:8101", "ftp://host", "http://"])
def test_an_address_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a server"):
        origin_of(url)

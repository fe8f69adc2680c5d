"""What the gateway costs: time to the first chunk through it against a direct connection, with many streams open.

On two idle cores, or with ``chrt -f 10`` before it on two that others use too::

    ./dev python -m bench.gateway
    ./dev python -m bench.gateway --streams 500 1000 1500 --seconds 20
    ./dev python -m bench.gateway --in-step

The gateway has one core; on the other, one process holds the clients and a trivial model server, which answers each
request with a chunk at once and further ones at a steady rate. Direct phases and phases through the gateway take turns,
under the same load: so many streams open at any time, each replaced by a new one when it ends. They begin at moments
drawn evenly, so that their chunks are spread over time. Engines compute the tokens of their whole batch at once:
``--in-step`` has all streams of an instance send theirs together. A stream's time to first
chunk runs from before its connection is opened. Both ends are plain protocols, so that they take little of their core.
Figures are medians over the rounds, so that one pause of a shared machine does not decide them; the least and the most
that a round had stand beside.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import cast

import uvloop
from rich.console import Console
from rich.table import Table

from wva.gateway.backend import Backend
from wva.gateway.process import settle_collector
from wva.gateway.server import Gateway
from wva.gateway.settings import ServedModel

MODEL = "bench"
PROMPT_BYTES = 4000
CHUNK = (
    b'data: {"id":"cmpl-0123456789abcdef","object":"text_completion","created":1760000000,"model":"bench","choices":'
    b'[{"index":0,"text":" word","logprobs":null,"finish_reason":null,"stop_reason":null}]}\n\n'
)
DONE = b"data: [DONE]\n\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def framed(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


FRAMED, END = framed(CHUNK), framed(DONE) + b"0\r\n\r\n"


class ModelServer(asyncio.Protocol):
    """Answers a request with a chunk at once and the others at their times."""

    def __init__(self, chunks: int, interval_s: float, step_s: float | None) -> None:
        """``step_s`` is when one of the engine's steps ends; ``None`` keeps to nobody's."""
        self._chunks = chunks
        self._interval_s = interval_s
        self._step_s = step_s
        self._timer: asyncio.TimerHandle | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        # uvloop's are transports by their methods only.
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Answer a request once it is whole."""
        self._received += data
        _, found, body = self._received.partition(b"\r\n\r\n")
        if found and len(body) >= PROMPT_BYTES:
            self._received = b""
            self._left = self._chunks - 1
            self._due = self._loop.time()
            if self._step_s is not None:
                self._due -= (self._due - self._step_s) % self._interval_s
            self._transport.write(HEAD + FRAMED)
            self._plan()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop to answer."""
        if self._timer is not None:
            self._timer.cancel()

    def _plan(self) -> None:
        self._due += self._interval_s
        self._timer = self._loop.call_at(self._due, self._next)

    def _next(self) -> None:
        if self._left:
            self._left -= 1
            self._transport.write(FRAMED)
            self._plan()
        else:
            self._transport.write(END)


@dataclass(slots=True)
class Seen:
    """What the clients saw in one phase."""

    first_s: list[float] = field(default_factory=list)
    """Times to first chunk."""
    chunks: int = 0
    broken: int = 0
    rate: float = 0.0
    """Chunks per second over all streams that were open."""


class Client(asyncio.Protocol):
    """One stream, from its request to its end."""

    def __init__(self, seen: Seen, request: bytes, began: float, ended: Callable[[], None]) -> None:
        self._seen = seen
        self._request = request
        self._began = began
        self._ended = ended
        self._first = True
        self._whole = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        # uvloop's are transports by their methods only.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note the first chunk, and count all."""
        chunks = data.count(b"data:")
        if chunks and self._first:
            self._first = False
            self._seen.first_s.append(time.perf_counter() - self._began)
        self._seen.chunks += chunks
        if b"[DONE]" in data:
            self._whole = True
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note whether the answer was whole."""
        self._seen.broken += not self._whole
        self._ended()


def request_to(port: int) -> bytes:
    body = b'{"model":"bench","stream":true,"max_tokens":100,"prompt":"' + os.urandom(PROMPT_BYTES // 2).hex().encode()
    body = body[: PROMPT_BYTES - 2] + b'"}'
    head = f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return (head + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body


async def stream(port: int, seen: Seen) -> None:
    """One stream, from its opening to its end."""
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    request, began = request_to(port), time.perf_counter()
    await loop.create_connection(
        lambda: Client(seen, request, began, lambda: ended.set_result(None)), "127.0.0.1", port
    )
    await ended


async def phase(port: int, streams: int, seconds: float, stream_s: float) -> Seen:
    """Keep so many streams open; what is seen is of those that open once all are, in so many seconds."""
    now = time.perf_counter()
    measured_from, measured_to = now + stream_s, now + stream_s + seconds
    opening, seen = Seen(), Seen()

    async def one(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while (began := time.perf_counter()) < measured_to:
            await stream(port, opening if began < measured_from else seen)

    spread = random.Random(streams)
    running = asyncio.gather(*(one(spread.uniform(0.0, stream_s)) for _ in range(streams)))
    await asyncio.sleep(stream_s)
    before = opening.chunks
    await asyncio.sleep(seconds)
    seen.rate = (opening.chunks - before + seen.chunks) / seconds
    await running
    seen.broken += opening.broken
    return seen


def serve(ready: Connection, core: int | None, backends: int) -> None:
    """The gateway, in a process of its own: told the model server's port, it answers with its own."""
    if core is not None:
        os.sched_setaffinity(0, {core})

    async def run() -> None:
        loop = asyncio.get_running_loop()
        upstream = await loop.run_in_executor(None, ready.recv)
        gateway = Gateway([ServedModel(MODEL)])
        url = await gateway.start("127.0.0.1", 0)
        gateway.place(MODEL, [Backend(f"b{n}", "v", f"http://127.0.0.1:{upstream}", 1.0) for n in range(backends)])
        settle_collector()
        ready.send(int(url.rpartition(":")[2]))
        await loop.run_in_executor(None, ready.recv)
        await gateway.stop()

    uvloop.run(run())


def p99(seen: Seen) -> float:
    return statistics.quantiles(seen.first_s, n=100)[98] if len(seen.first_s) > 1 else float("nan")


def times(rounds: list[Seen]) -> tuple[str, str]:
    """The medians of the rounds' medians and 99th percentiles, in milliseconds."""
    middle = statistics.median(statistics.median(seen.first_s) for seen in rounds)
    return f"{1e3 * middle:.2f}", f"{1e3 * statistics.median(map(p99, rounds)):.2f}"


def processor_s(pid: int) -> float:
    """Processor time that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def compare(arguments: argparse.Namespace, ready: Connection, gateway: int) -> None:
    loop = asyncio.get_running_loop()
    chunks, interval_s = round(arguments.rate * arguments.stream_seconds), 1 / arguments.rate
    engines = [interval_s * n / arguments.backends for n in range(arguments.backends)]
    steps = itertools.cycle(engines if arguments.in_step else [None])
    server = await loop.create_server(
        lambda: ModelServer(chunks, interval_s, next(steps)), "127.0.0.1", 0, backlog=1024
    )
    direct = server.sockets[0].getsockname()[1]
    ready.send(direct)
    through = await loop.run_in_executor(None, ready.recv)
    table = Table("streams", *("direct p50", "p99", "gateway p50", "p99"), "p99 more", "in a round", "chunks/s", "core")
    table.title, table.caption = "time to first chunk, ms", "core: what the gateway used of its own"
    for streams in arguments.streams:
        seen: dict[int, list[Seen]] = {direct: [], through: []}
        used = 0.0
        for _ in range(arguments.rounds):
            for port in (direct, through):
                before = processor_s(gateway)
                began = time.perf_counter()
                seen[port].append(await phase(port, streams, arguments.seconds, arguments.stream_seconds))
                if port == through:
                    used += (processor_s(gateway) - before) / (time.perf_counter() - began)
        rate = statistics.fmean(one.rate for one in seen[through])
        broken = sum(one.broken for one in (*seen[direct], *seen[through]))
        more = [p99(gated) - p99(plain) for plain, gated in zip(seen[direct], seen[through], strict=True)]
        table.add_row(
            f"{streams:,}" + (f" ({broken} broken)" if broken else ""),
            *times(seen[direct]),
            *times(seen[through]),
            f"{1e3 * statistics.median(more):.2f}",
            f"{1e3 * min(more):.2f} to {1e3 * max(more):.2f}",
            f"{rate:,.0f}",
            f"{100 * used / arguments.rounds:.0f} %",
        )
    Console(width=110).print(table)
    ready.send(None)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[500], help="streams open at any time")
    parser.add_argument("--rate", type=float, default=20.0, help="chunks per second of each")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each phase that are measured")
    parser.add_argument("--rounds", type=int, default=5, help="phases of either kind, taking turns")
    parser.add_argument("--stream-seconds", type=float, default=5.0, help="length of a stream")
    parser.add_argument("--backends", type=int, default=4, help="instances that the gateway routes to")
    parser.add_argument("--in-step", action="store_true", help="the streams of an instance send their chunks together")
    parser.add_argument("--anywhere", action="store_true", help="do not pin the processes to cores")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    two = len(cores) > 1 and not arguments.anywhere
    processes = multiprocessing.get_context("spawn")
    here, there = processes.Pipe()
    gateway = processes.Process(target=serve, args=(there, cores[0] if two else None, arguments.backends), daemon=True)
    gateway.start()
    if two:
        os.sched_setaffinity(0, {cores[1]})
    uvloop.run(compare(arguments, here, gateway.pid or 0))
    gateway.join()


if __name__ == "__main__":
    main()

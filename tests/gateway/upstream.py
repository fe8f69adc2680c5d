"""Small model servers that behave, or misbehave on purpose."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

FLOOD = 64 << 20

Behaviour = Callable[["ModelServer", web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class ModelServer:
    """Answers with ``words``; what it saw is kept."""

    behaviour: Behaviour
    words: tuple[str, ...] = ("one", "two", "three")
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What some behaviours wait for."""
    prompts: list[Any] = field(default_factory=list)
    """In the order in which they came."""
    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    """Of each request."""
    sent: int = 0
    """Bytes that some behaviours have sent."""
    cancelled: int = 0
    """Requests whose client left before the end."""
    at_once: int = 0
    """Requests that it has now."""
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.prompts.append(body.get("prompt", body.get("messages")))
        self.paths.append(request.path)
        self.headers.append(request.headers)
        self.at_once += 1
        try:
            return await self.behaviour(self, request, body)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1


def event(text: str, chat: bool = False) -> bytes:
    choice: dict[str, Any] = {"index": 0, "finish_reason": None}
    choice |= {"delta": {"content": text}} if chat else {"text": text}
    kind = "chat.completion.chunk" if chat else "text_completion"
    data = {"id": "x", "object": kind, "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


async def begin(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    return answer


async def answers(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Streams or answers, as asked."""
    chat = "messages" in body
    if not body.get("stream"):
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length", "logprobs": None}
        text = " ".join(server.words)
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        usage = {"prompt_tokens": 5, "completion_tokens": len(server.words), "total_tokens": 5 + len(server.words)}
        kind = "chat.completion" if chat else "text_completion"
        return web.json_response(
            {"id": "x", "object": kind, "created": 1, "model": body["model"], "choices": [choice], "usage": usage}
        )
    answer = await begin(request)
    for word in server.words:
        await answer.write(event(word, chat))
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def waits(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Answers once its gate is open."""
    await server.gate.wait()
    return await answers(server, request, body)


async def pauses(server: ModelServer, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Streams its first word, and the others once its gate is open."""
    answer = await begin(request)
    await answer.write(event(server.words[0]))
    await server.gate.wait()
    for word in server.words[1:]:
        await answer.write(event(word))
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def breaks(server: ModelServer, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    """Dies after the first word."""
    answer = await begin(request)
    await answer.write(event(server.words[0]))
    assert request.transport is not None
    request.transport.abort()
    return answer


async def stops_short(server: ModelServer, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    """Ends its stream in due form without the mark that ends an answer."""
    answer = await begin(request)
    await answer.write(event(server.words[0]))
    return answer


async def floods(server: ModelServer, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
    """Sends more than sockets hold, as fast as it goes."""
    answer = await begin(request)
    while server.sent < FLOOD:
        await answer.write(bytes(1 << 16))
        server.sent += 1 << 16
    await answer.write(b"data: [DONE]\n\n")
    return answer


async def vanishes(_: ModelServer, request: web.Request, __: dict[str, Any]) -> web.StreamResponse:
    """Dies before it answers."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def too_busy(_: ModelServer, __: web.Request, ___: dict[str, Any]) -> web.StreamResponse:
    return web.json_response({"error": {"message": "queue is full", "type": "x", "code": 503}}, status=503)


async def finds_fault(_: ModelServer, __: web.Request, ___: dict[str, Any]) -> web.StreamResponse:
    error = {"message": "prompt is too long", "type": "BadRequestError", "param": None, "code": 400}
    return web.json_response({"error": error}, status=400)


@asynccontextmanager
async def running(behaviour: Behaviour = answers, **fields: Any) -> AsyncIterator[ModelServer]:
    """A model server on a free port."""
    server = ModelServer(behaviour, **fields)
    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.gate.set()
        await runner.cleanup()

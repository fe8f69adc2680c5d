"""The endpoints that answer: /v1/completions and /v1/chat/completions."""

import time
import uuid

from aiohttp import web

from wva.emulator.core import Core
from wva.emulator.generation import Choice, Generation
from wva.emulator.protocol import Ask, chat_completion, completion
from wva.emulator.shape import Finished, Shape, Usage, json_response
from wva.emulator.stream import EventStream


class Answers:
    """Handlers of requests for answers."""

    def __init__(self, core: Core) -> None:
        """They all share the engine of ``core``."""
        self._core = core
        self.load = 0
        """Requests under way."""

    async def completions(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/completions``."""
        return await self._answer(request, completion(await request.read(), self._core.limits))

    async def chat_completions(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/chat/completions``."""
        return await self._answer(request, chat_completion(await request.read(), self._core.limits))

    async def _answer(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        request_id = request.headers.get("X-Request-Id") or uuid.uuid4().hex
        shape = Shape(ask.chat, request_id, int(time.time()), self._core.limits.names[0])
        generation = self._core.generation(ask)
        self.load += 1
        try:
            if ask.stream:
                return await self._stream(request, ask, shape, generation)
            return await self._whole(shape, generation)
        finally:
            # Without effect unless the client has left: then its handler is cancelled.
            generation.leave()
            self._core.ended(generation)
            self.load -= 1

    async def _stream(self, request: web.Request, ask: Ask, shape: Shape, generation: Generation) -> web.StreamResponse:
        stream = EventStream(request, shape, self._core.words, continuous_usage=ask.continuous_usage)
        await stream.open()
        generation.begin(stream)
        await generation.done.wait()
        return await stream.close(generation, self._usage(generation) if ask.include_usage else None)

    async def _whole(self, shape: Shape, generation: Generation) -> web.StreamResponse:
        generation.begin(None)
        await generation.done.wait()
        if generation.error is not None:
            raise generation.error
        answers = [self._finished(choice) for choice in generation.choices]
        return json_response(shape.whole(answers, self._usage(generation)))

    def _finished(self, choice: Choice) -> Finished:
        text = choice.answer.text(self._core.words, 0, choice.produced).decode()
        return Finished(choice.index, text, choice.finish_reason or "", choice.stop_reason)

    def _usage(self, generation: Generation) -> Usage:
        cached = generation.cached_tokens if self._core.settings.prompt_tokens_details else None
        return Usage(generation.prompt_tokens, generation.produced, cached)

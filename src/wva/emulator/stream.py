"""Server-sent events of one response, written as tokens come.

A step of the engine tells a thousand streams at once, so a chunk is three byte strings put together and handed to the
connection, with no task woken for it; HTTP's chunked encoding is done here for that. Nobody waits for a client that
reads slowly: its chunks wait in the connection's buffer, a few hundred bytes a token.
"""

from aiohttp import HttpVersion11, web

from wva.emulator.generation import Choice, Generation
from wva.emulator.shape import DONE, Shape, Usage, chunk_end, event
from wva.emulator.tokens import TOKEN_BYTES, Words

_TEXT_OPEN = chunk_end()


class _ChoiceChunks:
    """What every chunk of one choice has around its text."""

    __slots__ = ("after", "before", "opening", "single_after", "single_before")

    def __init__(self, shape: Shape, index: int, chunked: bool) -> None:
        self.opening = shape.opening(index)
        self.before = shape.before_text(index)
        self.after = shape.after_text()
        body = self.before, self.after + _TEXT_OPEN
        length = sum(map(len, body)) + TOKEN_BYTES
        self.single_before = (b"%x\r\n" % length if chunked else b"") + body[0]
        self.single_after = body[1] + (b"\r\n" if chunked else b"")


class EventStream:
    """Writes a generation's tokens to its client."""

    def __init__(self, request: web.Request, shape: Shape, words: Words, *, continuous_usage: bool) -> None:
        """``continuous_usage`` puts the usage so far into every chunk."""
        self._request = request
        self._shape = shape
        self._words = words
        self._continuous_usage = continuous_usage
        self._chunked = request.version >= HttpVersion11
        self._response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        self._transport = request.transport
        self._choices: dict[int, _ChoiceChunks] = {}

    async def open(self) -> None:
        """Send status 200 and the headers."""
        if self._chunked:
            self._response.enable_chunked_encoding()
        await self._response.prepare(self._request)

    def write(self, choice: Choice, begin: int, end: int) -> None:
        """Send the tokens ``begin`` up to ``end`` of a choice, and why it ended once it has."""
        text = choice.answer.text(self._words, begin, end)
        chunks = self._choices.get(choice.index)
        if (
            chunks is not None
            and len(text) == TOKEN_BYTES
            and choice.finish_reason is None
            and not self._continuous_usage
        ):
            self._send(chunks.single_before + text + chunks.single_after)
            return
        data = b""
        if chunks is None:
            chunks = self._choices[choice.index] = _ChoiceChunks(self._shape, choice.index, self._chunked)
            data = chunks.opening
        if text or choice.finish_reason is not None:
            ended = choice.finish_reason is not None
            after = self._shape.after_text(choice.finish_reason, choice.stop_reason) if ended else chunks.after
            usage = self._usage(choice) if self._continuous_usage else None
            data += chunks.before + text + after + chunk_end(usage)
        if data:
            self._send(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def close(self, generation: Generation, usage: Usage | None) -> web.StreamResponse:
        """Send the last events: the error or the usage that was asked for, and the end."""
        last = b""
        if generation.error is not None:
            last = event(generation.error.body())
        elif usage is not None:
            last = self._shape.usage_event(usage)
        await self._response.write_eof(last + DONE)
        return self._response

    def _usage(self, choice: Choice) -> Usage:
        return Usage(choice.prompt_tokens, choice.produced, None)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

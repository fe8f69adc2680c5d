"""The JSON of answers, whole and in chunks, as vLLM writes it.

A stream's chunks are the same bytes around the text every time, so those are made once. Texts are plain letters and
blanks (:mod:`wva.emulator.tokens`), which JSON writes as they are.
"""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

DONE = b"data: [DONE]\n\n"
"""The last event of a stream."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None
    """``None`` is not told."""

    def json(self) -> dict[str, Any]:
        """As in a response."""
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "completion_tokens": self.completion_tokens,
        }
        details = None if self.cached_tokens is None else {"cached_tokens": self.cached_tokens}
        return {**usage, "prompt_tokens_details": details}


@dataclass(frozen=True, slots=True)
class Finished:
    """One whole answer."""

    index: int
    text: str
    finish_reason: str
    stop_reason: str | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the answers to one request are written."""

    chat: bool
    request_id: str
    created: int
    """Seconds since the epoch."""
    model: str

    @property
    def id(self) -> str:
        """The request's id in vLLM's form."""
        return f"{'chatcmpl' if self.chat else 'cmpl'}-{self.request_id}"

    def whole(self, answers: list[Finished], usage: Usage) -> dict[str, Any]:
        """The response without streaming."""
        choices = [self._choice(answer) for answer in answers]
        kind = "chat.completion" if self.chat else "text_completion"
        return {**self._common(kind), "choices": choices, "usage": usage.json()}

    def opening(self, index: int) -> bytes:
        """The event that comes first for a choice; a plain completion has none."""
        if not self.chat:
            return b""
        delta = {"role": "assistant", "content": ""}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return event({**self._chunk(), "choices": [choice]})

    def before_text(self, index: int) -> bytes:
        """What comes before the text in every chunk of a choice."""
        text = '"delta":{"content":"' if self.chat else '"text":"'
        return f'data: {compact(self._chunk())[:-1]},"choices":[{{"index":{index},{text}'.encode()

    def after_text(self, finish_reason: str | None = None, stop_reason: str | None = None) -> bytes:
        """What comes after the text, but for the usage and the end of the event."""
        delta = '"}' if self.chat else '"'
        rest = {"logprobs": None, "finish_reason": finish_reason, "stop_reason": stop_reason}
        return f"{delta},{compact(rest)[1:-1]}}}]".encode()

    def usage_event(self, usage: Usage) -> bytes:
        """The event before the last that says the usage."""
        return event({**self._chunk(), "choices": [], "usage": usage.json()})

    def _common(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(self) -> dict[str, Any]:
        return self._common("chat.completion.chunk" if self.chat else "text_completion")

    def _choice(self, answer: Finished) -> dict[str, Any]:
        if self.chat:
            message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None, "tool_calls": []}
            said: dict[str, Any] = {"message": message}
        else:
            said = {"text": answer.text}
        end = {"finish_reason": answer.finish_reason, "stop_reason": answer.stop_reason}
        return {"index": answer.index, **said, "logprobs": None, **end}


def chunk_end(usage: Usage | None = None) -> bytes:
    """The end of a chunk, with the usage so far where it was asked for."""
    return b"}\n\n" if usage is None else b',"usage":' + compact(usage.json()).encode() + b"}\n\n"


def event(content: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + compact(content).encode() + b"\n\n"


def compact(content: Any) -> str:
    """JSON as vLLM writes it, without blanks."""
    return json.dumps(content, separators=(",", ":"))


def json_response(content: Any, status: int = 200) -> web.Response:
    """A response in JSON."""
    return web.json_response(content, status=status, dumps=compact)

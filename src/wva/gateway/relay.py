"""An answer on its way from a replica to a client, chunk by chunk as it comes."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

_HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "trailers", "transfer-encoding", "upgrade"),
    )
)
"""Headers that are between two neighbours (RFC 9110, 7.6.1)."""
_NOT_ASKED_ON = _HOP_BY_HOP | {"host", "content-length", "accept-encoding", "expect"}
"""Accept-Encoding too: a compressed stream would hide its tokens."""
_NOT_ANSWERED_ON = _HOP_BY_HOP | {"content-length", "date", "server"}

_EVENT = b"data:"
_ERROR_EVENT = b'data: {"error"'
_DONE = b"[DONE]"
_TAIL_BYTES = 2048
_COMPLETION_TOKENS = re.compile(rb'"completion_tokens"\s*:\s*(\d+)')


def asked_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers of a request to send on."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _NOT_ASKED_ON)


def answer_to(upstream: ClientResponse) -> web.StreamResponse:
    """An answer with a replica's status and headers, not yet begun."""
    headers = CIMultiDict(
        (name, value) for name, value in upstream.headers.items() if name.lower() not in _NOT_ANSWERED_ON
    )
    answer = web.StreamResponse(status=upstream.status, reason=upstream.reason, headers=headers)
    if upstream.content_length is not None:
        answer.content_length = upstream.content_length
    return answer


@dataclass(slots=True)
class TokenCount:
    """Counts the tokens of an answer that passes by."""

    streaming: bool
    events: int = 0
    failed: bool = False
    """Whether the replica reported an error in the stream."""
    _tail: bytes = b""

    def take(self, chunk: bytes) -> None:
        """Look at a part of the answer."""
        if self.streaming:
            self.events += chunk.count(_EVENT)
            self.failed = self.failed or _ERROR_EVENT in chunk
        self._tail = chunk if len(chunk) >= _TAIL_BYTES else (self._tail + chunk)[-_TAIL_BYTES:]

    @property
    def complete(self) -> bool:
        """Whether the stream ended with the mark that ends it."""
        return _DONE in self._tail

    @property
    def tokens(self) -> int:
        """Tokens of the answer: what its usage says, else one for each event but the last."""
        told = _COMPLETION_TOKENS.findall(self._tail)
        if told:
            return int(told[-1])
        return max(self.events - 1, 0)


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

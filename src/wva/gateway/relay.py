"""An answer on its way from a replica to a client, chunk by chunk as it comes."""

import asyncio
from collections.abc import Callable, Mapping

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

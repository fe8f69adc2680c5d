"""``/metrics``: what a registry has, for whoever is let in."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from wva.kubernetes.serving.access import LET_IN, Verdict

PATH = "/metrics"
_PACKED_ASIDE = 2**16
"""Bytes from which a page is compressed in a thread."""
_END = b"# EOF\n"
"""What OpenMetrics ends a page with."""


class Access(Protocol):
    """Somebody who says who may read."""

    async def judge(self, authorization: str | None, path: str) -> Verdict:
        """Whether one who shows this ``Authorization`` header may ``get`` the path."""


class _Collected(Collector):
    """Metrics as they were at one moment."""

    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Sequence[Metric]:
        return self._found


def metrics(registry: CollectorRegistry, access: Access | None) -> web.Application:
    """The metrics of a registry; without ``access`` for everybody."""

    async def page(request: web.Request) -> web.Response:
        if access is not None:
            verdict = await access.judge(request.headers.get("Authorization"), PATH)
            if verdict.status != LET_IN.status:
                return _refused(verdict)
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        body = await _written(encode, tuple(registry.collect()))
        answer = web.Response(body=body, headers={"Content-Type": kind}, zlib_executor_size=_PACKED_ASIDE)
        answer.enable_compression()
        return answer

    application = web.Application()
    application.router.add_get(PATH, page)
    return application


async def _written(encode: Callable[[Collector], bytes], found: Sequence[Metric]) -> bytes:
    """The page. One family of thousands of variants takes some 10 ms, between which others have their turn."""
    parts = []
    for family in (*found, None):
        part = encode(_Collected(() if family is None else (family,)))
        # Each part ends as a page of its own would; only the last, which is nothing else, keeps that.
        parts.append(part if family is None else part.removesuffix(_END))
        await asyncio.sleep(0)
    return b"".join(parts)


def _refused(verdict: Verdict) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if verdict.status == web.HTTPUnauthorized.status_code else {}
    return web.Response(text=f"{verdict.reason}\n", status=verdict.status, headers=headers)

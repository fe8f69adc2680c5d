"""``/metrics``: what a registry has, for whoever is let in."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from wva.kubernetes.serving.access import LET_IN, Verdict

PATH = "/metrics"


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
        # Thousands of variants take some 50 ms to write, for which nothing else should wait.
        body = await asyncio.to_thread(encode, _Collected(tuple(registry.collect())))
        answer = web.Response(body=body, headers={"Content-Type": kind})
        answer.enable_compression()
        return answer

    application = web.Application()
    application.router.add_get(PATH, page)
    return application


def _refused(verdict: Verdict) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if verdict.status == web.HTTPUnauthorized.status_code else {}
    return web.Response(text=f"{verdict.reason}\n", status=verdict.status, headers=headers)

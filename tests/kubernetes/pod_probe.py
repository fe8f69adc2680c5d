"""Probes of a container, as a kubelet asks them: over HTTP, and believed after several answers of one kind."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

Body = dict[str, Any]
LEAST_TIMEOUT_S = 3.0
"""A server that shares two cores with a whole test is slower than one on a machine of its own."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe."""

    port: int
    path: str | None
    """``None`` for a probe that is no HTTP request, which always succeeds."""
    timeout_s: float
    period_s: float
    successes: int
    failures: int

    @classmethod
    def of(cls, body: Body, container: Body, served: int) -> Self:
        """A probe as the container's spec has it; ``served`` is the port of a server that names none."""
        get = body.get("httpGet")
        return cls(
            port=_port(container, (get or {}).get("port", served)),
            path=None if get is None else get.get("path", "/"),
            timeout_s=max(LEAST_TIMEOUT_S, body.get("timeoutSeconds", 1)),
            period_s=body.get("periodSeconds", 10),
            successes=body.get("successThreshold", 1),
            failures=body.get("failureThreshold", 3),
        )

    async def watch(
        self, ip: str, http: aiohttp.ClientSession, longest_s: float, told: Callable[[bool], None], well: bool
    ) -> None:
        """Ask at an address for ever, no less often than every ``longest_s``; tell what changes ``well``."""
        row = 0
        while True:
            row = 0 if await self._succeeds(ip, http) is well else row + 1
            if row >= (self.failures if well else self.successes):
                well, row = not well, 0
                told(well)
            await asyncio.sleep(min(self.period_s, longest_s))

    async def _succeeds(self, ip: str, http: aiohttp.ClientSession) -> bool:
        if self.path is None:
            return True
        try:
            url, limit = f"http://{ip}:{self.port}{self.path}", aiohttp.ClientTimeout(self.timeout_s)
            async with http.get(url, timeout=limit) as response:
                return 200 <= response.status < 400
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


def _port(container: Body, port: int | str) -> int:
    """The number of a port that may be named."""
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or ()}
    return int(named.get(port, port))

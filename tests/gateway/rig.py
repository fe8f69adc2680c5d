"""A gateway with its clients, for tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession
from openai import AsyncOpenAI
from prometheus_client.parser import text_string_to_metric_families

from tests.gateway.upstream import ModelServer
from wva.gateway.backend import Backend
from wva.gateway.server import Gateway
from wva.gateway.settings import GatewaySettings, ServedModel


@dataclass
class Rig:
    """What a test holds."""

    gateway: Gateway
    url: str
    http: ClientSession
    openai: AsyncOpenAI
    holds: list[str] = field(default_factory=list)
    """Models of which the gateway said that it must hold a request."""

    def place(self, *servers: ModelServer, model: str = "m", cost_s: float = 1.0, takes_new: bool = True) -> None:
        self.gateway.place(model, [backend(server, cost_s, takes_new) for server in servers])

    async def post(self, path: str = "/v1/completions", **body: Any) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        headers = body.pop("headers", {})
        async with self.http.post(self.url + path, json={"model": "m", "prompt": "hi"} | body, headers=headers) as got:
            return got.status, await got.json()

    def task(self, **body: Any) -> "asyncio.Task[tuple[int, Any]]":
        return asyncio.create_task(self.post(**body))

    async def metrics(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every sample by its name and labels."""
        async with self.http.get(self.url + "/metrics") as got:
            families = list(text_string_to_metric_families(await got.text()))
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}

    async def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of a name that have these labels."""
        found = await self.metrics()
        return sum(value for (one, has), value in found.items() if one == name and labels.items() <= dict(has).items())


def backend(server: ModelServer, cost_s: float = 1.0, takes_new: bool = True) -> Backend:
    return Backend(server.url, "v", server.url, cost_s, takes_new)


@asynccontextmanager
async def gateway_of(
    *models: ServedModel, clock: Callable[[], float] = time.monotonic, **settings: Any
) -> AsyncIterator[Rig]:
    """A gateway on a free port with one model, or with these."""
    holds: list[str] = []
    defaults: dict[str, Any] = {"stop_timeout": 0.2, "refused_pause": 0.05}
    gateway = Gateway(models or (ServedModel("m"),), GatewaySettings(**defaults | settings), holds.append, clock)
    url = await gateway.start("127.0.0.1", 0)
    try:
        async with (
            ClientSession() as http,
            AsyncOpenAI(base_url=url + "/v1", api_key="key", max_retries=0) as client,
        ):
            yield Rig(gateway, url, http, client, holds)
    finally:
        await gateway.stop()

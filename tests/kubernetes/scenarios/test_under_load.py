"""Up and down under load, on the whole path: real API objects, real pods, real metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import LLAMA, variant_autoscaling, vllm
from tests.kubernetes.node_agent import NodeAgent
from tests.kubernetes.picker import picker
from tests.kubernetes.scenarios.stage import Stage

pytestmark = pytest.mark.slow


@asynccontextmanager
async def load(url: str, per_s: float, *, prompt: int = 3000, answer: int = 250) -> AsyncIterator[dict[str, int]]:
    """So many requests a second, whatever becomes of them, until the end of the block."""
    ended: dict[str, int] = {}
    tasks: set[asyncio.Task[None]] = set()

    async def ask(http: aiohttp.ClientSession) -> None:
        body = {"model": LLAMA, "prompt": "a " * prompt, "max_tokens": answer, "ignore_eos": True}
        try:
            async with http.post(f"{url}/v1/completions", json=body) as response:
                await response.read()
                said = str(response.status)
        except aiohttp.ClientError as error:
            said = type(error).__name__
        ended[said] = ended.get(said, 0) + 1

    async def send() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            while True:
                task = asyncio.create_task(ask(http))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                await asyncio.sleep(1.0 / per_s)

    sending = asyncio.create_task(send())
    try:
        yield ended
    finally:
        sending.cancel()
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await sending


async def test_a_direct_variant_grows_under_load_and_shrinks_after_it(stage: Stage, agent: NodeAgent) -> None:
    await apply(stage.api, stage.namespace, vllm("llama"), variant_autoscaling("llama", "llama"))
    async with picker(stage.api, stage.admin, stage.namespace) as gateway, stage.controller() as controller:
        await stage.condition("llama", "TargetResolved", status="True")
        async with load(gateway.url, 20.0) as ended:
            grown = await stage.counts("llama", *range(2, 17))
            assert await controller.desired("llama") is not None
            await stage.condition("llama", "MetricsAvailable", status="True")
            await asyncio.sleep(20)
            print("grown", grown, await stage.count("llama"), ended)
        print(await stage.status("llama"))

"""What followers see of several controllers at once, read again and again from all of them."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

from tests.kubernetes.scenarios.stage import Controller

EVERY_S = 0.05
LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Scrape:
    """A page that says a variant's count: somewhere between these moments it did."""

    controller: str
    sent_at: float
    received_at: float
    count: str


@dataclass
class Scrapes:
    """All that was seen of a variant's gauge, in the order in which the pages came."""

    seen: list[Scrape] = field(default_factory=list)

    def of(self, controller: str) -> list[Scrape]:
        """Those of one controller."""
        return [each for each in self.seen if each.controller == controller]

    def overlaps(self, first: str, second: str) -> list[Scrape]:
        """What the first said after the second had begun to: both can only be so at once."""
        began = min((each.received_at for each in self.of(second)), default=float("inf"))
        return [each for each in self.of(first) if each.sent_at > began]


@asynccontextmanager
async def scraped(variant: str, controllers: Mapping[str, Controller]) -> AsyncIterator[Scrapes]:
    """Read the gauge of a variant from all controllers until left; nobody waits for one that does not answer."""
    found = Scrapes()
    said = re.compile(rf'^wva_desired_replicas{{.*variant_name="{variant}".*}} (.*)$', re.MULTILINE)

    async def read(http: aiohttp.ClientSession, name: str, url: str) -> None:
        while True:
            sent_at = time.monotonic()
            with suppress(aiohttp.ClientError, TimeoutError):
                async with http.get(f"{url}/metrics") as response:
                    text = await response.text()
                found.seen.extend(Scrape(name, sent_at, time.monotonic(), count) for count in said.findall(text))
            await asyncio.sleep(EVERY_S)

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(LIMIT_S)) as http:
        tasks = [asyncio.create_task(read(http, name, each.metrics)) for name, each in controllers.items()]
        try:
            yield found
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

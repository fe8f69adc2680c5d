"""How late the event loop is, as followers of the metrics see it."""

import asyncio
import time
from contextlib import suppress

from prometheus_client import CollectorRegistry

from wva.control.clock import SystemClock
from wva.kubernetes.serving.lag import EVERY_S, LoopLag


async def test_what_holds_the_loop_up_is_seen() -> None:
    registry = CollectorRegistry()
    sampling = asyncio.create_task(LoopLag(registry, SystemClock()).run())

    def late(by: str) -> float:
        within = registry.get_sample_value("wva_event_loop_lag_seconds_bucket", {"le": by}) or 0.0
        return (registry.get_sample_value("wva_event_loop_lag_seconds_count") or 0.0) - within

    while not registry.get_sample_value("wva_event_loop_lag_seconds_count"):
        await asyncio.sleep(EVERY_S)
    before = late("1.0")
    time.sleep(1.0 + 2 * EVERY_S)
    await asyncio.sleep(EVERY_S)
    assert late("1.0") == before + 1
    sampling.cancel()
    with suppress(asyncio.CancelledError):
        await sampling

"""What a turn of the live loop costs those who share its event loop, and what scraping costs.

``./dev python -m bench.live_loop`` runs turns over a fleet in memory while a task on the same event loop notes how late
it wakes up: decisions on the spot, then in a thread, as the loop makes them. Then it reads a /metrics page of a real
vLLM server with and without parsing what nobody needs, and asks for a reading of an engine that was scraped for five
minutes.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families
from tests.control.virtual import MemoryBody
from tests.decide.worlds import BUSY, MODEL, traffic
from tests.prometheus.pages import REAL_VLLM, real_page

from wva.control.clock import SystemClock
from wva.control.loop import Loop
from wva.control.settings import LoopSettings
from wva.control.worker import InlineWorker, ThreadWorker, Worker, Workers
from wva.decide.brain import WvaPolicy
from wva.fleet.observation import Trigger
from wva.fleet.readings import Endpoint, InstanceReading, Readings
from wva.prometheus.engine import Engine
from wva.prometheus.exposition import engine_points
from wva.prometheus.points import engine_sample


class Load:
    """Readings of a fleet under a load that grows."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """The same of every instance."""
        now = self._clock.monotonic()
        reading = InstanceReading(replace(BUSY, generation_tokens_total=100 * now), 400_000)
        return Readings(
            {one.instance: reading for one in endpoints}, dict.fromkeys(models, traffic(now * (2.0 + now / 60.0)))
        )


async def lateness(stop: asyncio.Event) -> list[float]:
    """Seconds by which a task that wakes every millisecond does so too late."""
    late = []
    while not stop.is_set():
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        late.append(time.perf_counter() - due)
    return late


async def turns(worker: Worker | None, count: int, replicas: int) -> tuple[list[float], list[float]]:
    """(lateness of others, time of decisions) over so many turns; without a worker nothing turns."""
    clock = SystemClock(speed=100.0)
    counts = {f"v{number}": replicas // 4 for number in range(4)}
    body = MemoryBody(counts=counts, model=replace(MODEL, name="llama"))
    stop = asyncio.Event()
    watching = asyncio.create_task(lateness(stop))
    decided: list[float] = []
    if worker is None:
        await asyncio.sleep(2.0)
    else:
        settings = LoopSettings(interval_s=5.0, early_gap_s=0.1)
        workers = Workers(worker, worker, worker, worker)
        loop: Loop[Any] = Loop(body, Load(clock), WvaPolicy(), clock, settings=settings, workers=workers)
        loop.subscribe(lambda tick: decided.append(tick.timings.decide_s))
        running = asyncio.create_task(loop.run())
        while len(decided) < count:
            await asyncio.sleep(0.05)
            loop.request(Trigger.BURST, "bench")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    stop.set()
    return await watching, decided


def show(name: str, seconds: Sequence[float]) -> None:
    """Median, 99th percentile and maximum in milliseconds."""
    p50, p99, most = np.percentile(np.array(seconds) * 1000, (50, 99, 100))
    print(f"{name:44} p50 {p50:7.2f}  p99 {p99:7.2f}  max {most:7.2f} ms")


def timed(work: Any, repeats: int) -> list[float]:
    """How long each of some repeats takes."""
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=40)
    options = parser.parse_args()
    asyncio.run(turns(InlineWorker(), 5, options.replicas))
    idle, _ = asyncio.run(turns(None, 0, options.replicas))
    show("late without a loop", idle)
    for name, worker in (("decided on the spot", InlineWorker()), ("decided in a thread", ThreadWorker("bench"))):
        late, decided = asyncio.run(turns(worker, options.turns, options.replicas))
        show(f"late, {name}", late)
        show(f"decision, {name}", decided)
    page = real_page() or REAL_VLLM.encode()
    show(f"page of {len(page) / 1024:.0f} KiB, what is needed", timed(lambda: engine_sample(engine_points(page)), 300))
    show("the same, all of it", timed(lambda: list(text_string_to_metric_families(page.decode())), 30))
    engine = Engine()
    sample = engine_sample(engine_points(page))
    for second in range(300):
        engine.add(float(second), sample)
    show("one reading after 300 scrapes", timed(lambda: engine.reading(300.0), 1000))


if __name__ == "__main__":
    main()

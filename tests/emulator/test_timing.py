"""Under load the server's clients see what the engine model predicts for the same arrivals."""

import asyncio
import shutil
from pathlib import Path

import aiohttp
import pytest

from tests.emulator.servers import MODEL, http, serving
from tests.waiting import free_port
from wva.emulator.engine import LiveEngine, Work
from wva.emulator.settings import Settings, modelled_server
from wva.engine.batch.state import PICOSECONDS
from wva.fleet.variant import EngineArguments

SPEED = 8.0
PROMPT, ANSWER, REQUESTS, GAP_S = 600, 60, 40, 0.1
ENGINE = EngineArguments(max_num_seqs=16)
"""Fewer slots than requests in flight, so that some wait."""


def predicted() -> list[tuple[float, float]]:
    """(time to first token, whole time) of each request in model seconds, all alone in virtual time."""
    engine = LiveEngine(modelled_server(Settings(MODEL, "L4", engine=ENGINE)), prefix_caching=False)
    course: dict[int, int] = {}
    for index in range(REQUESTS):
        now = round(index * GAP_S * PICOSECONDS)
        course |= dict.fromkeys(engine.submit(now, [Work(now, PROMPT, ANSWER)]), index)
    while engine.next_event_ps is not None:
        engine.advance(engine.next_event_ps)
    times = [engine.times(number) for number in course]
    return [((t.first_token - t.arrival) / PICOSECONDS, (t.finish - t.arrival) / PICOSECONDS) for t in times]


async def ask(session: aiohttp.ClientSession, index: int) -> tuple[float, float]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(index * GAP_S / SPEED)
    begun = loop.time()
    body = {"prompt": [index] * PROMPT, "max_tokens": ANSWER, "ignore_eos": True, "stream": True}
    async with session.post("/v1/completions", json=body) as answer:
        await answer.content.readany()
        first = loop.time()
        await answer.read()
        return (first - begun) * SPEED, (loop.time() - begun) * SPEED


async def test_clients_see_the_predicted_times() -> None:
    expected = predicted()
    async with serving(accelerator="L4", engine=ENGINE, speed=SPEED) as server, http(server) as session:
        seen = await asyncio.gather(*(ask(session, index) for index in range(REQUESTS)))
    for which in (0, 1):
        mean = sum(one[which] for one in seen) / REQUESTS
        wanted = sum(one[which] for one in expected) / REQUESTS
        # Everything on a busy machine is some milliseconds late, eight times as many of the model's.
        assert mean == pytest.approx(wanted, rel=0.1, abs=0.2)


PROMETHEUS = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms}
scrape_configs:
  - job_name: vllm
    static_configs: [{targets: ["%s"]}]
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Debian's Prometheus is not installed")
async def test_prometheus_scrapes_it(tmp_path: Path) -> None:
    async with serving() as server, http(server) as session:
        config = tmp_path / "prometheus.yml"
        config.write_text(PROMETHEUS % server.url.removeprefix("http://"))
        address = f"127.0.0.1:{free_port()}"
        options = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path}", f"--web.listen-address={address}"]
        process = await asyncio.create_subprocess_exec("prometheus", *options, stderr=asyncio.subprocess.DEVNULL)
        try:
            asked = {"prompt": "x", "max_tokens": 7, "ignore_eos": True}
            await (await session.post("/v1/completions", json=asked)).read()
            found = []
            for _ in range(100):
                await asyncio.sleep(0.2)
                query = {"query": 'vllm:generation_tokens_total{engine="0"}'}
                try:
                    async with session.get(f"http://{address}/api/v1/query", params=query) as answer:
                        found = (await answer.json())["data"]["result"]
                except aiohttp.ClientError:
                    continue
                if found:
                    break
            assert [sample["value"][1] for sample in found] == ["7"]
        finally:
            process.kill()
            await process.wait()

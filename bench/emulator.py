"""Whether the emulator keeps its own schedule with many open streams, and how far beyond that it goes.

The server runs on one core and the client on another, both named here::

    .venv/bin/python bench/emulator.py --streams 1000 --cores 0,1
    .venv/bin/python bench/emulator.py --streams 1000 2000 4000

Every stream asks for the same number of tokens with ``ignore_eos``, and all begin within a few seconds. ``scheduled``
is the mean time per output token that the engine model has in store for these very requests, from the server's
/metrics; ``measured`` is what the client saw from a stream's first event to its last, mean and slowest. ``kept`` is
scheduled over measured: below 0.9 the schedule is missed by more than 10 %. ``gaps`` are between two events of a
stream, the median and what 99 % stay within. ``late`` is how long after the end of a step the server told of it; where
the next step had ended too, both tokens are in one event. ``server`` is the part of its core that it used. Other work
on the two cores shows in all of it.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import uvloop
from prometheus_client.parser import text_string_to_metric_families

from wva.emulator.settings import Settings
from wva.fleet.variant import EngineArguments

PORT = 8765
PROMPT_TOKENS = 32


@dataclass(slots=True)
class Stream(asyncio.Protocol):
    """One request on its own connection: when its events came."""

    body: bytes
    done: "asyncio.Future[None]"
    first_s: float | None = None
    last_s: float = 0.0
    events: int = 0
    gaps_s: list[float] = field(default_factory=list)
    transport: asyncio.Transport | None = field(default=None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        # uvloop's transports are no subclasses of asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        head = f"POST /v1/completions HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(self.body)}\r\n\r\n"
        self.transport.write(head.encode() + self.body)

    def data_received(self, data: bytes) -> None:
        """Count the events of tokens."""
        count = data.count(b'"text":"')
        if count:
            now = time.perf_counter()
            if self.first_s is None:
                self.first_s = now
            else:
                self.gaps_s.append(now - self.last_s)
            self.last_s = now
            self.events += count
        if b"data: [DONE]" in data and self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The stream is over."""
        if not self.done.done():
            self.done.set_result(None)


def settings(arguments: argparse.Namespace, streams: int) -> Settings:
    return Settings(
        arguments.model,
        arguments.accelerator,
        port=PORT,
        engine=EngineArguments(max_num_seqs=streams, max_num_batched_tokens=max(8192, 2 * streams)),
        tensor_parallel=arguments.tensor_parallel,
    )


def scheduled_tpot_s() -> float:
    """Mean time per output token of all requests by the engine model, as the server exports it."""
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as page:
        families = {family.name: family for family in text_string_to_metric_families(page.read().decode())}
    samples = families["vllm:request_time_per_output_token_seconds"].samples
    total, count = (next(s.value for s in samples if s.name.endswith(end)) for end in ("_sum", "_count"))
    return float(total / count)


async def drive(streams: int, tokens: int, over_s: float) -> list[Stream]:
    """Open the streams one after the other within so many seconds and wait until they have ended."""
    loop = asyncio.get_running_loop()
    opened = []
    begun = loop.time()
    for index in range(streams):
        # Prompts differ, so that nothing comes from the prefix cache.
        prompt = [index % 1000, index // 1000, *range(2, PROMPT_TOKENS)]
        asked = {"prompt": prompt, "max_tokens": tokens, "ignore_eos": True, "stream": True}
        body = json.dumps(asked).encode()
        stream = Stream(body, loop.create_future())
        await loop.create_connection(lambda stream=stream: stream, "127.0.0.1", PORT)  # type: ignore[misc]
        opened.append(stream)
        await asyncio.sleep(begun + (index + 1) * over_s / streams - loop.time())
    await asyncio.gather(*(stream.done for stream in opened))
    return opened


def cpu_s(process: int) -> float:
    """Processor seconds that a process has used."""
    parts = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def start(options: Settings, core: int) -> "subprocess.Popen[bytes]":
    command = [str(Path(sys.executable).parent / "wva"), "emulate", "--model", options.model]
    command += ["--accelerator", options.accelerator, "--port", str(PORT)]
    command += ["--tensor-parallel", str(options.tensor_parallel)]
    command += ["--max-num-seqs", str(options.engine.max_num_seqs)]
    command += ["--max-num-batched-tokens", str(options.engine.max_num_batched_tokens)]
    command += ["--shutdown-timeout", "0s"]
    server = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.DEVNULL)
    for _ in range(1200):
        try:
            with urlopen(f"http://127.0.0.1:{PORT}/health", timeout=1):
                return server
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not come up")


def measure(arguments: argparse.Namespace, streams: int, cores: list[int]) -> None:
    options = settings(arguments, streams)
    server = start(options, cores[0])
    try:
        used, begun = cpu_s(server.pid), time.perf_counter()
        opened = uvloop.run(drive(streams, arguments.tokens, arguments.open_over))
        share = (cpu_s(server.pid) - used) / (time.perf_counter() - begun)
        scheduled = scheduled_tpot_s()
        with urlopen(f"http://127.0.0.1:{PORT}/emulator", timeout=10) as answer:
            schedule = json.load(answer)["schedule"]
    finally:
        server.terminate()
        server.wait(30)
    whole = [stream for stream in opened if stream.events and stream.first_s is not None]
    spans = [(stream.last_s - (stream.first_s or 0.0)) / (arguments.tokens - 1) for stream in whole]
    measured = statistics.mean(spans)
    worst = max(spans)
    gaps = sorted(gap for stream in whole for gap in stream.gaps_s)
    middle, high = (1e3 * gaps[int(len(gaps) * share)] for share in (0.5, 0.99))
    events = sum(stream.events for stream in whole)
    late = f"{schedule['mean_late_ms']:.1f} (most {schedule['max_late_ms']:.0f})"
    print(f"{streams} streams of {arguments.tokens} tokens, {1 / scheduled:.1f} tokens/s each ({len(whole)} ended)")
    print(f"  scheduled {1e3 * scheduled:.2f} ms a token, measured {1e3 * measured:.2f}, slowest {1e3 * worst:.2f}")
    print(f"  kept {scheduled / measured:.3f}, gaps {middle:.1f} ms (99 % within {high:.1f}), late {late} ms")
    print(f"  events a token {events / len(whole) / arguments.tokens:.2f}, server {share:.0%} of its core", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="+", default=[1000])
    parser.add_argument("--tokens", type=int, default=400, help="tokens of every answer")
    parser.add_argument("--open-over", type=float, default=5.0, help="seconds within which all streams begin")
    parser.add_argument("--model", default="Llama-3.1-8B-Instruct")
    parser.add_argument("--accelerator", default="H100-80GB")
    parser.add_argument("--tensor-parallel", type=int, default=1)
    parser.add_argument("--cores", default="0,1", help="of the server and of the client")
    arguments = parser.parse_args()
    cores = [int(core) for core in arguments.cores.split(",")]
    os.sched_setaffinity(0, {cores[1]})
    for streams in arguments.streams:
        measure(arguments, streams, cores)


if __name__ == "__main__":
    main()

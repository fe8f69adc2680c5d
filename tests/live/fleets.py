"""Whole live fleets of emulated replicas, in this process or as a program of their own."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.waiting import PATIENCE_S, until
from wva.live.fleet import LiveRun, running_fleet
from wva.live.hardware import compile_engine, modelled_servers
from wva.local.load import parse_fleet
from wva.local.schema import FleetSpec

WVA = Path(sys.executable).with_name("wva")


def fleet_text(
    *,
    speed: float = 10,
    lowest: int = 0,
    startup: str = "20s",
    replicas: str = "",
    gateway: str = "",
    more: str = "",
    interval: str = "10s",
) -> str:
    """A fleet of one small model on pretended GPUs."""
    return f"""
name: tests
speed: {speed}
models: {{m: {{shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {{ttft: 5s, tpot: 100ms}}}}}}
variants:
  - {{name: v, model: m, accelerator: A100-80GB, cost: 2, min: {lowest}, max: 3, startup: {startup}}}
replicas:
  command: >-
    {{python}} -m wva.cli.main emulate --model {{shape}} --precision {{precision}} --accelerator {{accelerator}}
    --served-model-name {{model}} --host {{host}} --port {{port}} --startup {{startup}} --speed {{speed}}
    --shutdown-timeout 30s
  {replicas}
gateway: {{port: 0, first_token_timeout: 30m{gateway}}}
control: {{interval: {interval}, scrape: {interval}}}
{more}
"""


def fleet(**changes: Any) -> FleetSpec:
    """The fleet of that text."""
    return parse_fleet(fleet_text(**changes), "tests", Path())


@dataclass
class Client:
    """Somebody who uses a fleet's gateway."""

    http: ClientSession
    url: str

    async def ask(self, tokens: int = 4, **more: Any) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        body = {"model": "m", "prompt": "hello there", "max_tokens": tokens, "ignore_eos": True} | more
        async with self.http.post(f"{self.url}/v1/completions", json=body) as answer:
            return answer.status, await answer.json()

    async def stream(self, tokens: int, begun: asyncio.Event | None = None) -> str:
        """The whole of a streamed answer; ``begun`` is set at its first part. What broke off is said at the end."""
        body = {"model": "m", "prompt": "hello there", "max_tokens": tokens, "ignore_eos": True, "stream": True}
        text = ""
        async with self.http.post(f"{self.url}/v1/completions", json=body) as answer:
            try:
                async for part in answer.content.iter_any():
                    text += part.decode()
                    if begun is not None:
                        begun.set()
            except OSError as error:
                text += f"<{type(error).__name__}>"
            except Exception as error:
                text += f"<{type(error).__name__}>"
        return text


@asynccontextmanager
async def living(spec: FleetSpec, directory: Path, *, load: bool = False) -> AsyncIterator[tuple[LiveRun, Client]]:
    """A fleet in this process, with a client."""
    servers = modelled_servers(spec)
    compile_engine(spec, servers)
    async with running_fleet(spec, directory, servers, load=load) as run, ClientSession() as http:
        yield run, Client(http, run.gateway_url)


@dataclass
class Program:
    """``wva up`` in a process of its own."""

    process: asyncio.subprocess.Process
    directory: Path
    run: dict[str, Any]

    def descendants(self) -> list[int]:
        """All its children and theirs."""
        return descendants(self.process.pid)


def descendants(process: int) -> list[int]:
    """Process ids of all children of a process, and of theirs."""
    try:
        children = [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []
    return [one for child in children for one in (child, *descendants(child))]


@asynccontextmanager
async def program(directory: Path, text: str, *options: str) -> AsyncIterator[Program]:
    """Start it, wait until it says where it is, and kill it at the end if it still runs."""
    (directory / "fleet.yaml").write_text(text)
    process = await asyncio.create_subprocess_exec(
        WVA,
        *("up", "fleet.yaml", "--out", "run", *options),
        cwd=directory,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "150"},
    )
    path = directory / "run" / "run.json"
    try:
        await until(lambda: process.returncode is not None or _process_of(path) == process.pid)
        if process.returncode is not None:
            raise AssertionError((await process.communicate())[1].decode())
        yield Program(process, directory / "run", json.loads(path.read_text()))
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def _process_of(path: Path) -> int | None:
    """The process that a run file is of, which may be one that was killed; ``None`` without a file."""
    try:
        process: int = json.loads(path.read_text())["process"]
    except FileNotFoundError:
        return None
    return process


def phases(run: LiveRun) -> dict[str, str]:
    """The phase of every replica, by its name."""
    return {replica.id: replica.phase.value for replica in run.body.replicas}


async def until_ready(run: LiveRun, count: int, patience_s: float = PATIENCE_S) -> None:
    """Wait until so many replicas are ready."""
    await until(
        lambda: list(phases(run).values()).count("ready") == count,
        lambda: (phases(run), run.loop.problems.now),
        patience_s,
    )

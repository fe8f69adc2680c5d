"""Small live fleets of real processes, and what a test does with them."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.waiting import until
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan, VariantPlan
from wva.local.body import LocalFleet, local_fleet
from wva.local.load import parse_fleet
from wva.local.replica import LocalReplica
from wva.local.routes import Backend
from wva.local.schema import FleetSpec

SERVER = Path(__file__).with_name("server.py")
COMMAND = f"{{python}} -S {SERVER} --port {{port}}"
ONE = "{name: v, min: 0, max: 5, initial: 1}"
"""A variant that begins with a replica."""


def fleet(
    directory: Path,
    *,
    command: str = COMMAND,
    variants: Sequence[str] = ("{name: v, min: 0, max: 5}",),
    nodes: str = "null",
    replicas: str = "",
    stop_grace: str = "5s",
    speed: float = 1,
) -> FleetSpec:
    """A fleet whose variants serve model m, one GPU each where they say nothing else."""
    given = "\n".join(
        f"  - {entry.replace('{', '{model: m, accelerator: A100-80GB, cost: 1, ', 1)}" for entry in variants
    )
    text = f"""
name: tests
speed: {speed}
models: {{m: {{shape: meta-llama/Llama-3.1-8B-Instruct, precision: bf16, objectives: {{ttft: 2s, tpot: 100ms}}}}}}
variants:
{given}
nodes: {nodes}
replicas:
  command: {json.dumps(command)}
  directory: {directory}
  stop_grace: {stop_grace}
  {replicas}
"""
    return parse_fleet(text, "tests", directory)


class WallClock:
    """The time of this machine, sped up."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed

    def utc(self) -> float:
        return 1_800_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


class Gateway:
    """Keeps what it is told, and says that as much is in flight as the test wants."""

    def __init__(self) -> None:
        self.placed: dict[str, tuple[Backend, ...]] = {}
        self.flying: dict[str, int] = {}

    def place(self, model: str, backends: Sequence[Backend]) -> None:
        self.placed[model] = tuple(backends)

    def in_flight(self, instance: str) -> int:
        return self.flying.get(instance, 0)

    def takes(self, model: str = "m") -> list[str]:
        """Who takes new requests."""
        return [backend.endpoint.instance for backend in self.placed.get(model, ()) if not backend.draining]

    def drains(self, model: str = "m") -> list[str]:
        """Who only ends what it has."""
        return [backend.endpoint.instance for backend in self.placed.get(model, ()) if backend.draining]


class Rig:
    """A live fleet, and the test's hands on it."""

    def __init__(self, body: LocalFleet, gateway: Gateway, clock: WallClock) -> None:
        self.body = body
        self.gateway = gateway
        self.clock = clock

    async def scale(self, *parts: VariantPlan, valid_s: float = 60.0) -> list[Outcome]:
        """Carry a plan out."""
        return list(await self.body.apply(Plan("plan", "observation", self.clock.utc() + valid_s, parts)))

    async def to(self, target: int, name: str = "v") -> Outcome:
        """Have so many of a variant."""
        return (await self.scale(part(self.desired(name), target, name)))[0]

    def desired(self, name: str = "v") -> int:
        return sum(r.variant.name == name and r.phase.value != "draining" for r in self.body.replicas)

    def phases(self) -> dict[str, str]:
        return {replica.id: replica.phase.value for replica in self.body.replicas}

    def replica(self, name: str) -> LocalReplica:
        return next(replica for replica in self.body.replicas if replica.id == name)

    async def until_phases(self, **phases: str) -> None:
        """Wait until the replicas are these, in these phases; ``v_1`` stands for v-1."""
        wanted = {name.replace("_", "-"): phase for name, phase in phases.items()}
        await until(lambda: self.phases() == wanted, lambda: f"{self.phases()}, wanted {wanted}")

    def process_id(self, name: str) -> int:
        """The server that a replica's keeper keeps."""
        process = self.replica(name).process
        assert process is not None
        (server,) = children_of(process.keeper)
        return server


@asynccontextmanager
async def running(spec: FleetSpec, logs: Path) -> AsyncIterator[Rig]:
    """The fleet, from its start to its end."""
    gateway, clock = Gateway(), WallClock(spec.speed)
    async with local_fleet(spec, clock, gateway, logs) as body:
        yield Rig(body, gateway, clock)


def part(expected: int, target: int, name: str = "v") -> VariantPlan:
    return VariantPlan(name, expected, target, target)


def children_of(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and was not waited for does not."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False

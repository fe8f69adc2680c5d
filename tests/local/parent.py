"""A program that runs a fleet, for tests that end it in every way: it says when it is ready, stopping and stopped."""

import asyncio
import sys
from pathlib import Path

from tests.local.fleets import COMMAND, ONE, Gateway, WallClock, fleet
from wva.local.body import local_fleet
from wva.local.signals import StopSignals


async def main(directory: Path, extra: str) -> None:
    """Run a replica with children of its own until a signal comes."""
    spec = fleet(directory, command=f"{COMMAND} --children {extra}", variants=[ONE], stop_grace="10m")
    with StopSignals() as signals:
        async with local_fleet(spec, WallClock(), Gateway(), directory / "logs") as body:
            signals.on_second(body.kill)
            while body.replicas[0].phase.value != "ready":
                await asyncio.sleep(0.02)
            print("ready", flush=True)
            await signals.wait()
            print("stopping", flush=True)
        print("stopped", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))

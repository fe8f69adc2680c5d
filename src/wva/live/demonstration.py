"""The load that a fleet's file brings, sent by ``wva load`` in a process of its own, as clients would."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from wva.live.run_directory import LOAD
from wva.local.command import Launch
from wva.local.log import last_line
from wva.local.process import Process
from wva.local.schema import FleetSpec
from wva.local.simulated import as_scenario
from wva.scenario.document import encode_scenario

STOP_S = 10.0
"""Seconds on the wall for it to write down what it saw, once it is to stop."""
_LOG_BYTES = 1_000_000


class Demonstration:
    """A load that is being sent."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    async def start(cls, fleet: FleetSpec, gateway_url: str, directory: Path, logs: Path) -> "Demonstration":
        """Send a fleet's load to its gateway; what clients saw is in ``load/results.json`` when it has ended."""
        scenario = directory / f"{LOAD}.yaml"
        # JSON is YAML too.
        scenario.write_text(encode_scenario(as_scenario(fleet)))
        command = (sys.executable, "-m", "wva.cli.main", "load", str(scenario), "--url", gateway_url)
        options = ("--speed", f"{fleet.speed:g}", "--seed", str(fleet.seed), "--out", str(directory / LOAD))
        log = logs / f"{LOAD}.log"
        return cls(await Process.start(Launch((*command, *options), {}, None), log, _LOG_BYTES), log)

    async def wait(self) -> str | None:
        """Wait for its end; return why it failed, if so."""
        how = await self._process.wait()
        return None if how.startswith("exit code 0") else f"{how}"

    async def stop(self) -> None:
        """Have it end now."""
        self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
                return
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    @property
    def last_words(self) -> str | None:
        """The last line that it wrote."""
        return last_line(self._log)

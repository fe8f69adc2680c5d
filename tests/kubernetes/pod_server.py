"""The server of one pod as a real process: started, probed, restarted when it ends, stopped within its grace period."""

import asyncio
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.kubernetes.pod_command import Served
from tests.kubernetes.pod_probe import Probe
from tests.kubernetes.pod_status import Seen, now
from wva.local.command import Launch
from wva.local.process import Process

Body = dict[str, Any]
LOG_BYTES = 1 << 20
LONGEST_BACK_OFF_S = 30.0
LEAST_GRACE_S = 2.0
"""What the process gets after a preStop hook that has used all of the grace period up, as from a kubelet."""
ON_REQUEST = {"httpGet": {"path": "/health"}}
"""Where a server without a readiness probe is asked."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in real seconds; a kubelet's own numbers are 10 s and more."""

    pull_s: float = 0.0
    """Until the container is created."""
    startup_s: float = 0.0
    """From there until the server listens."""
    probe_s: float = 0.25
    """Longest period of a readiness probe."""
    back_off_s: float = 1.0
    """Before the second restart of a container that has ended; it doubles each time. The first comes at once."""


class PodServer:
    """The process behind a container; what it does shows in ``seen``."""

    def __init__(self, container: Body, serves: Served, seen: Seen, log: Path, pace: Pace, grace_s: float) -> None:
        """Nothing runs yet; ``grace_s`` is the pod's own, for the end of a server that lives no more."""
        self._grace_s = grace_s
        readiness = container.get("readinessProbe") or (ON_REQUEST if serves.command else {})
        self._readiness = Probe.of(readiness, container, serves.port)
        liveness = container.get("livenessProbe")
        self._liveness = None if liveness is None else Probe.of(liveness, container, serves.port)
        self._serves = serves
        self._seen = seen
        self._log = log
        self._pace = pace
        self._process: Process | None = None

    async def run(self, ip: str, http: aiohttp.ClientSession, changed: Callable[[], None]) -> None:
        """Serve at an address until cancelled, which leaves the process running; ``changed`` is told of each change."""
        back_off_s = 0.0
        while True:
            self._seen.state = {"running": {"startedAt": now()}}
            probing = asyncio.create_task(self._probe(ip, http, changed))
            try:
                await self._serve(ip, changed)
            finally:
                probing.cancel()
            changed()
            if back_off_s:
                message = f"back-off {back_off_s:g}s restarting failed container={self._seen.server}"
                self._seen.state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
                changed()
                await asyncio.sleep(back_off_s)
            self._seen.restarts += 1
            back_off_s = min(LONGEST_BACK_OFF_S, 2 * back_off_s or self._pace.back_off_s)

    def kill(self) -> None:
        """Kill it with all its children, without waiting for that."""
        if self._process is not None:
            self._process.kill()

    async def stop(self, hook_s: float, grace_s: float, gone: asyncio.Event) -> None:
        """Let a hook of that length end, then SIGTERM, and SIGKILL at the end of the grace period or once ``gone``."""
        if self._process is None:
            return
        process, loop = self._process, asyncio.get_running_loop()
        until = loop.time() + grace_s
        ended, hurry = asyncio.create_task(process.wait()), asyncio.create_task(gone.wait())
        both = (ended, hurry)
        try:
            await asyncio.wait(both, timeout=min(hook_s, grace_s), return_when=asyncio.FIRST_COMPLETED)
            process.terminate()
            left_s = max(LEAST_GRACE_S, until - loop.time()) if grace_s else 0.0
            await asyncio.wait(both, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            process.kill()
            how = await asyncio.shield(ended)
            if self._process is process:
                self._ended(how)

    async def _serve(self, ip: str, changed: Callable[[], None]) -> None:
        """Run the process until it ends; without a command, for ever."""
        if not self._serves.command:
            changed()
            await asyncio.Event().wait()
        address = ("--host", ip, "--port", str(self._serves.port)) if "emulate" in self._serves.command else ()
        command = (*self._serves.command, *address)
        process = self._process = await Process.start(Launch(command, {}, None), self._log, LOG_BYTES)
        changed()
        how = await process.wait()
        if self._process is process:
            self._ended(how)

    def _ended(self, how: str) -> None:
        code = _exit_code(how)
        began = self._seen.state.get("running", {}).get("startedAt", now())
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": how}
        self._process = None
        self._seen.ready = False
        self._seen.state = self._seen.last = {"terminated": {**ended, "startedAt": began, "finishedAt": now()}}

    async def _probe(self, ip: str, http: aiohttp.ClientSession, changed: Callable[[], None]) -> None:
        """Ask whether it is ready; from when it is, which is what startup probes are for, also whether it lives."""
        started, dead = asyncio.Event(), asyncio.Event()

        def is_ready(ready: bool) -> None:
            self._seen.ready = ready
            started.set()
            changed()

        longest_s = self._pace.probe_s
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._readiness.watch(ip, http, longest_s, is_ready, well=False))
            if self._liveness is not None:
                await started.wait()
                tasks.create_task(self._liveness.watch(ip, http, longest_s, lambda _: dead.set(), well=True))
                await dead.wait()
                await self.stop(0.0, self._grace_s, asyncio.Event())


def _exit_code(how: str) -> int:
    code, killed = re.match(r"exit code (\d+)", how), re.match(r"killed by (\w+)", how)
    if killed:
        return 128 + signal.Signals[killed.group(1)]
    return int(code.group(1)) if code else 1

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
from tests.kubernetes.pod_status import Seen, now
from wva.local.command import Launch
from wva.local.process import Process

Body = dict[str, Any]
LOG_BYTES = 1 << 20
LONGEST_BACK_OFF_S = 30.0
LEAST_GRACE_S = 2.0
"""What the process gets after a preStop hook that has used all of the grace period up, as from a kubelet."""
ON_REQUEST = {"path": "/health"}
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

    def __init__(self, container: Body, serves: Served, seen: Seen, log: Path, pace: Pace) -> None:
        """Nothing runs yet."""
        self._probe = container.get("readinessProbe")
        self._get = self._probe.get("httpGet") if self._probe else ON_REQUEST
        self._port = _port(container, (self._get or {}).get("port"), serves.port)
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
            probing = asyncio.create_task(self._ask(ip, http, changed))
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
            self._ended(await asyncio.shield(ended))

    async def _serve(self, ip: str, changed: Callable[[], None]) -> None:
        """Run the process until it ends; without a command, for ever."""
        if not self._serves.command:
            changed()
            await asyncio.Event().wait()
        address = ("--host", ip, "--port", str(self._serves.port)) if "emulate" in self._serves.command else ()
        self._process = await Process.start(Launch((*self._serves.command, *address), {}, None), self._log, LOG_BYTES)
        changed()
        self._ended(await self._process.wait())

    def _ended(self, how: str) -> None:
        code = _exit_code(how)
        began = self._seen.state.get("running", {}).get("startedAt", now())
        ended = {"exitCode": code, "reason": "Error" if code else "Completed", "message": how}
        self._process = None
        self._seen.ready = False
        self._seen.state = self._seen.last = {"terminated": {**ended, "startedAt": began, "finishedAt": now()}}

    async def _ask(self, ip: str, http: aiohttp.ClientSession, changed: Callable[[], None]) -> None:
        """Ask the server again and again whether it is ready, as its readiness probe says."""
        probe = self._probe or {}
        wrong = right = 0
        while True:
            well = await self._is_well(ip, http, probe.get("timeoutSeconds", 1))
            wrong, right = (0, right + 1) if well else (wrong + 1, 0)
            ready = self._seen.ready
            if right >= probe.get("successThreshold", 1):
                ready = True
            elif wrong >= probe.get("failureThreshold", 3):
                ready = False
            if ready is not self._seen.ready:
                self._seen.ready = ready
                changed()
            await asyncio.sleep(min(probe.get("periodSeconds", 10), self._pace.probe_s))

    async def _is_well(self, ip: str, http: aiohttp.ClientSession, limit_s: float) -> bool:
        if self._get is None or (self._probe is None and not self._serves.command):
            return True
        try:
            url = f"http://{ip}:{self._port}{self._get.get('path', '/')}"
            async with http.get(url, timeout=aiohttp.ClientTimeout(limit_s)) as response:
                return 200 <= response.status < 400
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


def _port(container: Body, port: int | str | None, served: int) -> int:
    """The number of a port that may be named."""
    named = {each.get("name"): each["containerPort"] for each in container.get("ports") or ()}
    return int(served if port is None else named.get(port, port))


def _exit_code(how: str) -> int:
    code, killed = re.match(r"exit code (\d+)", how), re.match(r"killed by (\w+)", how)
    if killed:
        return 128 + signal.Signals[killed.group(1)]
    return int(code.group(1)) if code else 1

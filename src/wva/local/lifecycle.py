"""What happens to a replica that has hardware: start, service, failure and start again, drain, end."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from wva.control.seams import Clock
from wva.fleet.replica import Phase
from wva.local.command import launch, of_a_variant
from wva.local.log import last_line
from wva.local.ports import NoPortError, Ports
from wva.local.probe import Prober, Verdict
from wva.local.process import Process
from wva.local.race import race
from wva.local.replica import LocalReplica
from wva.local.routes import Routes
from wva.local.schema import FleetSpec
from wva.local.timing import STABLE_S, Timing
from wva.local.watch import Watch

LOOK_S = 0.1
"""Seconds on the wall between two looks for a first answer, or for the end of the last request."""
PORT_TRIES = 5
"""Starts in a row whose port another program took meanwhile, before that counts as a failure."""


class Lifecycle:
    """Works on replicas, each in a task of its own; a task that is cancelled leaves its replica as it is."""

    def __init__(
        self,
        fleet: FleetSpec,
        clock: Clock,
        timing: Timing,
        prober: Prober,
        routes: Routes,
        logs: Path,
        moved: Callable[[LocalReplica], None],
    ) -> None:
        """``moved`` is told of every replica that begins or ceases to serve."""
        self._fleet = fleet
        self._servers = fleet.servers()
        self._placeholders = {variant.name: of_a_variant(fleet, variant) for variant in fleet.variants}
        self._clock = clock
        self._timing = timing
        self._ports = Ports.of(fleet)
        self._prober = prober
        self._routes = routes
        self._logs = logs
        self._moved = moved

    def enter(self, replica: LocalReplica, phase: Phase, reason: str | None = None) -> None:
        """Have it in another phase from now on; one that is ready for the first time since its start is so dated."""
        replica.phase = phase
        replica.since = self._clock.utc()
        if phase is Phase.READY and replica.ready_at is None:
            replica.ready_at = replica.since
        replica.reason = reason
        self._moved(replica)

    async def serve(self, replica: LocalReplica) -> None:
        """Start it and watch it while it serves, again after each failure; one that serves already is only watched."""
        while True:
            why = None if replica.serves() else await self._start(replica)
            if why is None:
                why = await self._serve_until_failure(replica)
            await self._recover(replica, why)

    async def leave(self, replica: LocalReplica, deadline: float | None) -> None:
        """Let it end its requests, until ``deadline`` at most, and then its process; give its port back."""
        if replica.serves():
            await self._drain(replica, deadline)
        replica.stopping = True
        self._moved(replica)
        await self._end(replica, self._timing.stop_grace_s)

    def log(self, replica: LocalReplica) -> Path:
        """The file that it writes to."""
        return self._logs / f"{quote(replica.id, safe='')}.log"

    async def _start(self, replica: LocalReplica) -> str | None:
        """Start it until it answers a real request; return why that failed, None where it did not."""
        replica.started_at = self._clock.utc()
        replica.answers = None
        why = None
        for _ in range(PORT_TRIES):
            try:
                process, url, port = await self._launch(replica)
            except (NoPortError, OSError) as error:
                return f"cannot start: {error}"
            why = await race(self._until_answer(replica, url), process.wait(), self._until_late(replica))
            if why is None:
                replica.answers = None
                self.enter(replica, Phase.READY)
                return None
            await self._end(replica, 0.0)
            if self._ports.is_free(port):
                return why
        return f"another program took its port, {PORT_TRIES} times in a row; {why}"

    async def _launch(self, replica: LocalReplica) -> tuple[Process, str, int]:
        assert replica.placement is not None
        gpus = replica.placement.gpus
        port = self._ports.take()
        replica.port = port
        host = self._fleet.replicas.host
        values = {
            **self._placeholders[replica.variant.name],
            "replica": replica.id,
            "port": str(port),
            "gpus": ",".join(gpus or ()),
        }
        started = launch(self._servers[replica.variant.name], values, gpus)
        replica.process = await Process.start(started, self.log(replica), self._fleet.replicas.log_bytes)
        replica.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        return replica.process, replica.url, port

    async def _until_answer(self, replica: LocalReplica, url: str) -> None:
        """Return when it has answered a real request."""
        server = self._servers[replica.variant.name]
        while True:
            if await self._prober.is_up(url, server.health):
                answer = await self._prober.ask(url, server.probe, replica.variant.model)
                if answer.verdict is Verdict.SERVED:
                    return
                replica.answers = f"it listens, but answers {answer.text}"
            await asyncio.sleep(LOOK_S)

    async def _until_late(self, replica: LocalReplica) -> str:
        await self._clock.sleep(self._timing.start_deadline_s)
        does = replica.answers or f"it does not listen; its log ends with {last_line(self.log(replica)) or 'nothing'}"
        return f"not ready after {self._timing.start_deadline_s:g} s: {does}"

    async def _serve_until_failure(self, replica: LocalReplica) -> str:
        assert replica.process is not None
        assert replica.url is not None
        watch = Watch(
            self._prober,
            self._clock,
            self._timing,
            url=replica.url,
            model=replica.variant.model,
            probe=self._servers[replica.variant.name].probe,
            has_requests=lambda: self._routes.in_flight(replica.id) > 0,
        )
        return await race(replica.process.wait(), watch.until_hung())

    async def _recover(self, replica: LocalReplica, why: str) -> None:
        """Take it out, end what is left of it, and wait until it may start again."""
        if replica.ready_at is not None and self._clock.utc() - replica.ready_at >= STABLE_S:
            replica.failures = 0
        replica.failures += 1
        replica.ready_at = None
        delay = self._timing.restart_delay_s(replica.failures)
        self.enter(replica, Phase.STARTING, why if delay == 0 else f"{why}; starts again in {delay:.0f} s")
        await self._end(replica, 0.0)
        await self._clock.sleep(delay)
        replica.reason = why

    async def _drain(self, replica: LocalReplica, deadline: float | None) -> None:
        assert replica.process is not None
        seconds = self._timing.drain_deadline_s if deadline is None else deadline - self._clock.utc()
        await race(self._until_empty(replica), replica.process.wait(), self._clock.sleep(max(0.0, seconds)))

    async def _until_empty(self, replica: LocalReplica) -> None:
        while self._routes.in_flight(replica.id):
            await asyncio.sleep(LOOK_S)

    async def _end(self, replica: LocalReplica, grace_s: float) -> None:
        """End its process, if it has one: by SIGTERM and, when the grace is over, by SIGKILL for all its children."""
        process = replica.process
        if process is not None:
            if grace_s > 0:
                process.terminate()
                await race(process.wait(), self._clock.sleep(grace_s))
            process.kill()
            await process.wait()
        if replica.port is not None:
            self._ports.give_back(replica.port)
        replica.process = replica.url = replica.port = None

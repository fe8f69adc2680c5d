"""A whole fleet: gateway, replicas, measuring, loop, journal and control API, started and ended in order.

Ending goes the other way round from starting: the demonstration load leaves, then nobody decides any more, then no
request comes in, then the replicas go.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wva.control.clock import SystemClock
from wva.control.journal import LiveJournal
from wva.control.loop import Loop
from wva.control.seams import Metrics
from wva.engine.server import Server
from wva.fleet.errors import UserError
from wva.fleet.observation import Trigger
from wva.fleet.replica import Phase
from wva.gateway.server import Gateway
from wva.live.demonstration import Demonstration
from wva.live.meter import Meter
from wva.live.router import Router, speeds
from wva.live.run_directory import JOURNALS, LOGS, RunFile, held_directory, new_token, write_run_file
from wva.live.server import ControlServer
from wva.live.settings import gateway_settings, loop_settings, scraper_settings, served_models
from wva.live.watch import Parts, Watch
from wva.local.body import LocalFleet, local_fleet
from wva.local.schema import FleetSpec, Source
from wva.policies.registry import make
from wva.prometheus.connection import Connection
from wva.prometheus.gauges import LoopCollector
from wva.prometheus.scraper import Scraper
from wva.prometheus.server import PrometheusServer
from wva.record.find import live_journals
from wva.record.problems import Problems
from wva.record.reader import Journal
from wva.scenario.nouns import fleet_models


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A fleet that runs."""

    spec: FleetSpec
    directory: Path
    journals: Path
    gateway_url: str
    control_url: str
    token: str
    watch: Watch
    body: LocalFleet
    loop: Loop[Any]
    meter: Meter
    load: Demonstration | None
    ended: "asyncio.Task[None]"
    """Done when the demonstration load is over; never where there is none."""

    def kill(self) -> None:
        """Kill every process at once."""
        self.body.kill()
        if self.load is not None:
            self.load.kill()


@asynccontextmanager
async def running_fleet(
    spec: FleetSpec, directory: Path, servers: Mapping[str, Server], *, load: bool = True
) -> AsyncIterator[LiveRun]:
    """Everything that a live fleet's file describes, from its start to its end; nothing of it is left then.

    ``servers`` are the modelled servers of the variants; ``load`` says whether the file's own load is sent.

    Raises:
        UserError: A port is taken, or the directory cannot be used.

    """
    async with AsyncExitStack() as stack:
        stack.enter_context(held_directory(directory))
        journals = spec.journal or directory / JOURNALS
        logs = (spec.replicas.logs or directory / LOGS).resolve()
        clock = SystemClock(spec.speed, _end_of(journals))
        problems = Problems()
        holds = _Holds()
        gateway = Gateway(served_models(spec), gateway_settings(spec), holds.tell, clock.monotonic)
        gateway_url = await gateway.start(spec.gateway.host, spec.gateway.port)
        stack.push_async_callback(gateway.stop)
        router = Router(gateway, speeds(spec, servers), clock)
        body = await stack.enter_async_context(local_fleet(spec, clock, router, logs))
        # What is under way gets its time before the replicas are asked to stop.
        stack.push_async_callback(gateway.stop)
        metrics = await _metrics(stack, spec, clock, gateway_url, router, problems)
        policy = make(spec.policy.name, spec.policy.options)
        loop: Loop[Any] = Loop(
            body,
            metrics,
            policy,
            clock,
            settings=loop_settings(spec),
            journal=LiveJournal(journals, policy),
            shadows=() if spec.shadow is None else (make(spec.shadow.name, spec.shadow.options),),
            problems=problems,
        )
        collector = LoopCollector(clock, problems)
        loop.subscribe(collector.watch)
        gateway.registry.register(collector)
        holds.connect(body, loop)
        meter = Meter(body.variants, lambda: body.replicas, clock)
        parts = Parts(spec, clock, fleet_models(spec), dict(servers), gateway, router, body, loop, meter)
        watch = Watch(parts, gateway_url, str(directory))
        token = new_token() if spec.dashboard is None or spec.dashboard.token is None else spec.dashboard.token
        control = ControlServer(watch, token, router.endpoints)
        control_url = await control.start()
        stack.push_async_callback(control.stop)
        write_run_file(
            directory, RunFile(spec.name, os.getpid(), control_url, token, gateway_url, str(journals.resolve()))
        )
        await _background(stack, meter.run())
        await _background(stack, loop.run())
        await loop.until_restored()
        demonstration = None
        if load and spec.workload:
            demonstration = await Demonstration.start(spec, gateway_url, directory.resolve(), logs)
            stack.push_async_callback(demonstration.stop)
        ended = await _background(stack, _until_ended(demonstration, watch, problems))
        yield LiveRun(
            *(spec, directory, journals, gateway_url, control_url, token, watch, body, loop, meter),
            *(demonstration, ended),
        )


class _Holds:
    """Turns a request that must be held into an early turn, where no replica of its model is there or coming."""

    def __init__(self) -> None:
        self._wanted: Callable[[str], None] | None = None

    def connect(self, body: LocalFleet, loop: Loop[Any]) -> None:
        """From now on look at this fleet, and ask this loop."""

        def tell(model: str) -> None:
            there = [one for one in body.replicas if one.variant.model == model and one.phase is not Phase.DRAINING]
            if not there:
                loop.request(Trigger.ARRIVAL_AT_ZERO, f"a request for {model} waits and there is no replica")

        self._wanted = tell

    def tell(self, model: str) -> None:
        """A request for a model is held."""
        if self._wanted is not None:
            self._wanted(model)


async def _metrics(
    stack: AsyncExitStack, spec: FleetSpec, clock: SystemClock, gateway_url: str, router: Router, problems: Problems
) -> Metrics:
    """Who measures for the loop; replicas are asked directly in any case, because routing needs to know often."""
    direct = spec.metrics.source is Source.DIRECT
    scraper = await stack.enter_async_context(
        Scraper(clock, gateway_url if direct else None, scraper_settings(spec), router.read, problems)
    )
    router.on_change = scraper.follow
    if direct:
        return scraper
    assert spec.metrics.url is not None
    connection = Connection(spec.metrics.url, ca_file=spec.metrics.ca_file, token_file=spec.metrics.token_file)
    return await stack.enter_async_context(PrometheusServer(connection, clock, problems=problems))


async def _background(stack: AsyncExitStack, work: Any) -> "asyncio.Task[None]":
    """Have this done until the stack unwinds."""
    task: asyncio.Task[None] = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
    return task


async def _until_ended(load: Demonstration | None, watch: Watch, problems: Problems) -> None:
    if load is None:
        await asyncio.Event().wait()
        return
    problems.settle("load", await load.wait())
    watch.load_ended = True


def _end_of(journals: Path) -> float:
    """Where the newest journal that can be read ends: no later one may begin before."""
    for newest in reversed(live_journals(journals)):
        with suppress(UserError), Journal(newest) as journal:
            return 1.0 + max((journal.run.start, *journal.times()))
    return -float("inf")

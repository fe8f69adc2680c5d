"""What the leader does: everything that is decided and written, from the moment that it leads until it does no more."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, NoReturn

from wva.control.limits import within
from wva.control.loop import Loop
from wva.control.settings import LoopSettings
from wva.fleet.observation import Trigger
from wva.fleet.readings import Readings
from wva.fleet.tick import Tick
from wva.kubernetes.acting.keeper import DrainKeeper
from wva.kubernetes.acting.load import Load, loads
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.body import KubernetesFleet
from wva.kubernetes.managed import Managed
from wva.kubernetes.measuring.alarm import Alarm
from wva.kubernetes.measuring.front import Front
from wva.kubernetes.measuring.metrics import ClusterMetrics
from wva.kubernetes.measuring.pickers import pickers_of
from wva.kubernetes.names import ClusterNames
from wva.kubernetes.reporting.acting import acting_of
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.reporting.memory import Kept
from wva.kubernetes.reporting.poster import EventPoster
from wva.kubernetes.reporting.reporter import Reporter
from wva.kubernetes.reporting.writer import StatusWriter
from wva.kubernetes.serving.leader_metrics import LeaderMetrics
from wva.kubernetes.settings_values import MetricsSource
from wva.kubernetes.surroundings import (
    Surroundings,
    acting_settings,
    credentials_of,
    inherited_of,
    journal_of,
    setting_of,
)
from wva.kubernetes.wake import Waker
from wva.kubernetes.watching.kinds import Kind
from wva.prometheus.gauges import LoopCollector
from wva.prometheus.labels import JoinBy, Labels
from wva.prometheus.scraper import Scraper, ScraperSettings
from wva.prometheus.server import PrometheusServer

SCRAPE = ScraperSettings(interval_s=1.0, sample_s=5.0)
"""How often the controller scrapes pods, where it does that itself: to be alarmed in time, and for policies."""
LAST_S = 5.0
"""Seconds within which the last turn has to be told at the end: the lead is let go of after it."""
FOLLOW_S = 1.0
"""Seconds between looks at which endpoint pickers there are."""


async def lead(around: Surroundings, on_turn: Callable[[Tick], None]) -> NoReturn:
    """Decide and act until cancelled; ``on_turn`` is called after every turn.

    Raises ``ApiError`` where what the last leader knew cannot be read.
    """
    await around.watch.until_synced()
    ledger = Ledger(around.api, around.settings.scope, around.leads, around.clock, around.problems)
    leader = _Leader(around, ledger, await ledger.read())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(leader.engines)
        await stack.enter_async_context(leader.front)
        shown = LeaderMetrics(leader.collector, around.leads)
        around.registry.register(shown)
        stack.callback(around.registry.unregister, shown)
        leader.loop.subscribe(on_turn)
        try:
            await leader.run()
        finally:
            await leader.tell_last()
    raise AssertionError("a leader does not end")


class _Leader:
    """The parts of a leader, which know of each other."""

    def __init__(self, around: Surroundings, ledger: Ledger, left: Kept) -> None:
        settings, clock, problems, mirror = around.settings, around.clock, around.problems, around.watch.mirror
        self._around = around
        self._ledger = ledger
        # The fleet shows plans in the collector, which names variants by the fleet.
        names = ClusterNames(lambda variant: self.fleet.find(variant))  # noqa: PLW0108
        inherited = inherited_of(around, left)
        self.collector = LoopCollector(clock, problems, settings.controller_instance, names, inherited)
        self.fleet = KubernetesFleet(
            mirror,
            Writer(around.api, around.leads),
            clock,
            setting_of(around),
            acting_settings(around),
            self.collector.announce,
            left.remembered,
        )
        waker = Waker(clock, self.fleet.at_zero, self._wake)
        self.front = Front(around.api, mirror.service, clock, problems, credentials_of(settings), waker)
        self.engines = self._engines()
        self._alarms: set[asyncio.Task[None]] = set()
        self.loop: Loop[Any] = Loop(
            self.fleet,
            ClusterMetrics(self.engines, self.front, clock, self.fleet.measured),
            around.policy,
            clock,
            # Nobody looks back at turns here, and one of thousands of variants has megabytes.
            settings=LoopSettings(interval_s=settings.global_opt_interval, ticks_kept=1),
            journal=journal_of(settings.wva_journal_dir, around.policy, problems),
            problems=problems,
            workers=around.workers,
        )
        self._statuses = StatusWriter(
            around.api,
            mirror.written,
            lambda body: mirror.seen(Kind.VARIANT_AUTOSCALING, body),
            around.leads,
            clock,
            problems,
        )
        self._events = EventPoster(around.api, around.leads, clock, problems, around.identity)
        self._reporter = Reporter(self._statuses, ledger, self._events, clock, left)
        self.loop.subscribe(self.fleet.turned)
        self.loop.subscribe(self.collector.watch)
        self.loop.subscribe(self._report)

    async def run(self) -> None:
        """Do all of it until cancelled, or until a part of it fails that never should."""
        fleet, around = self.fleet, self._around
        keeper = DrainKeeper(fleet.carrier, fleet.present, fleet.strays, self._loads, around.clock, around.problems)
        parts = (self._reporter, self._statuses, self._events, self._ledger, keeper, self.loop)
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part.run(), name=type(part).__name__)
            tasks.create_task(self._follow(), name="endpoint pickers")

    async def tell_last(self) -> None:
        """Write what the last turn has left to be said, where that is still this process's to say."""
        if not self._around.leads():
            return
        with suppress(TimeoutError):
            await within(self._around.clock, LAST_S, self._tell_last())

    async def _tell_last(self) -> None:
        await self._reporter.tell()
        await asyncio.gather(self._ledger.write(), self._statuses.write(at_once=True), self._events.flush())

    async def _follow(self) -> None:
        """Keep up with which endpoint pickers stand in front of what."""
        while True:
            pickers = pickers_of(
                ((each.variant.model, each.workload) for each in self.fleet.picture.managed.values()),
                self._around.watch.mirror.inference_pools(),
                self._around.settings.pool_group,
            )
            await self.front.follow(pickers, self.fleet.at_zero())
            await self._around.clock.sleep(FOLLOW_S)

    async def _loads(self, managed: Sequence[Managed]) -> Mapping[str, Load]:
        """What the pods of some variants said last."""
        if not isinstance(self.engines, Scraper):
            return self.fleet.loads
        readings = self.engines.readings(pod.id for each in managed for pod in each.pods)
        return loads(Readings(readings, {}), self._around.clock.utc())

    def _engines(self) -> Scraper | PrometheusServer:
        settings, clock, problems = self._around.settings, self._around.clock, self._around.problems
        if settings.metrics_from is MetricsSource.PROMETHEUS and settings.prometheus is not None:
            # The policy decides without latencies, and endpoint pickers that are asked directly say them anyway.
            labels = Labels(join_by=JoinBy.POD)
            return PrometheusServer(settings.prometheus, clock, labels, problems, latencies=False)
        return Scraper(clock, None, SCRAPE, Alarm(clock, self._alarm), problems)

    def _report(self, tick: Tick) -> None:
        """Say in the cluster what a turn means."""
        fleet, around = self.fleet, self._around
        acting = acting_of(fleet.picture, fleet.remembered, around.version, around.clock.utc())
        self._reporter.configured(around.watch.mirror.config_maps())
        self._reporter.turned(tick, fleet.picture, acting, fleet.remembered)

    def _wake(self, model: str) -> None:
        self.loop.request(Trigger.ARRIVAL_AT_ZERO, f"a request for {model} waits and there is no replica")

    def _alarm(self, cause: str, pods: frozenset[str]) -> None:
        task = asyncio.create_task(self._look_closely(cause, pods), name="alarm")
        self._alarms.add(task)
        task.add_done_callback(self._alarms.discard)

    async def _look_closely(self, cause: str, pods: frozenset[str]) -> None:
        """Have an early turn that sees what the alarm is about: the usual samples are some seconds old."""
        strained = [each for each in self.fleet.picture.managed.values() if not pods.isdisjoint(each.pod_ids)]
        looks = [self.front.refresh({each.variant.model for each in strained})]
        if isinstance(self.engines, Scraper):
            looks.append(self.engines.sample([pod for each in strained for pod in each.pod_ids]))
        await asyncio.gather(*looks)
        self.loop.request(Trigger.BURST, cause)

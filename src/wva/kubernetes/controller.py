"""The controller's process: watches, stands for the lead, serves probes and metrics, and leads while it may."""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry

from wva.control.clock import SystemClock
from wva.control.garbage import Sparing
from wva.control.worker import Workers
from wva.decide.brain import WvaPolicy
from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.fleet.tick import Tick
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.election import Candidate
from wva.kubernetes.elector import Alone, BootClock, Elector
from wva.kubernetes.leader import lead
from wva.kubernetes.serving.health import Vitals
from wva.kubernetes.serving.lag import LoopLag
from wva.kubernetes.serving.serve import Ports, served
from wva.kubernetes.settings import Settings
from wva.kubernetes.surroundings import Surroundings, policy_of
from wva.kubernetes.watching.watch import Watch
from wva.record.problems import Problems

AGAIN_S = 2.0
"""Seconds between attempts at what does not work: to reach the API server at first, and to begin to lead."""
UNSEEN_S = 120.0
"""Seconds without a word of the API server about a kind of objects after which the controller is not ready."""

_API = "API server"

_log = logging.getLogger("wva")


@dataclass
class _Life:
    """How the controller is."""

    leading_since: float | None = None
    turned_at: float | None = None
    sparing: Sparing = field(default_factory=Sparing)


async def run_controller(
    settings: Settings,
    stop: asyncio.Event,
    *,
    kubeconfig: Path | None = None,
    context: str | None = None,
    on_ready: Callable[[Ports], None] = lambda _: None,
    policy: WvaPolicy | None = None,
) -> None:
    """Run until ``stop`` is set, then let go of the lead; counts stay as they are.

    ``on_ready`` is told where probes and metrics are; ``policy`` decides, by default with the settings that are usual.
    Raises ``UserError`` where the controller is set up wrongly.
    """
    clock, problems, registry = SystemClock(), Problems(), CollectorRegistry()
    _tell_what_is_not_read(settings)
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    identity = f"{settings.pod_name or socket.gethostname()}_{token_hex(4)}"
    life = _Life()
    async with Api(await configuration(kubeconfig, context), settings.rest_client_timeout) as api:
        watch = Watch(api, settings.scope, clock, problems=problems)
        elector = _elector(settings, api, identity, problems)

        def vitals() -> Vitals:
            return Vitals(
                leading_since=life.leading_since,
                turned_at=life.turned_at,
                configured=watch.synced,
                not_seen=_not_seen(watch),
                stopping=stop.is_set(),
            )

        async with served(settings, vitals, registry, api, clock, problems) as ports:
            on_ready(ports)
            version = await _version(api, clock, problems, stop)
            if version is None:
                return
            around = Surroundings(
                settings,
                api,
                version,
                watch,
                leads=elector.leads,
                led_before=lambda: elector.led_before,
                identity=identity,
                workers=Workers(),
                clock=clock,
                registry=registry,
                problems=problems,
                policy=policy or policy_of(settings),
            )
            watching = asyncio.create_task(watch.run(), name="watch")
            standing = asyncio.create_task(elector.run(), name="elector")
            leading = asyncio.create_task(_lead_while_elected(around, elector, life), name="lead")
            sampling = asyncio.create_task(LoopLag(registry, clock).run(), name="lag")
            stopping = asyncio.create_task(stop.wait(), name="stop")
            tasks: tuple[asyncio.Task[Any], ...] = (watching, standing, leading, sampling, stopping)
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                # Nobody else may act before this one has stopped, so the lead is let go of last.
                await _ended(leading)
                elector.stop()
                with suppress(Exception):
                    await standing
                await _ended(watching, sampling, stopping)


async def _lead_while_elected(around: Surroundings, elector: Elector | Alone, life: _Life) -> None:
    """Lead whenever this process is elected, until it is not any longer."""
    while True:
        await elector.until_leading()
        if life.leading_since is None:
            life.leading_since, life.turned_at = around.clock.monotonic(), None
        leading = asyncio.create_task(lead(around, lambda tick: _turned(life, around.clock, tick)), name="leader")
        lost = asyncio.create_task(elector.until_lost(), name="until lost")
        try:
            await asyncio.wait((leading, lost), return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                _log.warning("lost the lead: nothing is written or published from here")
        finally:
            failure = await _ended(leading)
            await _ended(lost)
            if not elector.leads():
                # One that holds the lead and cannot begin to lead is not well: another should have it.
                life.leading_since = None
        around.problems.settle("leader", None if failure is None else _text(failure))
        if failure is not None:
            await around.clock.sleep(AGAIN_S)


def _tell_what_is_not_read(settings: Settings) -> None:
    if settings.watch_namespace is not None:
        _log.info(
            "annotations of namespace %s are not read by a controller for it alone: "
            "annotate what declares a variant, or set WVA_ACT, which is %s",
            settings.watch_namespace,
            settings.wva_act,
        )


def _turned(life: _Life, clock: Clock, tick: Tick) -> None:
    life.sparing.turned()
    life.turned_at = clock.monotonic()
    _log.debug("turn %s: %s", tick.number, tick.result.value, extra={"decision": tick.plan.id if tick.plan else None})


async def _version(api: Api, clock: Clock, problems: Problems, stop: asyncio.Event) -> tuple[int, int] | None:
    """The API server's version, as soon as it says it; ``None`` where the controller is stopped before."""
    while not stop.is_set():
        try:
            version = await api.version()
        except ApiError as error:
            problems.report(_API, str(error))
            await clock.sleep(AGAIN_S)
        else:
            problems.solved(_API)
            return version
    return None


def _elector(settings: Settings, api: Api, identity: str, problems: Problems) -> Elector | Alone:
    if not settings.leader_elect:
        return Alone()
    candidate = Candidate(identity, settings.election)
    return Elector(api, settings.pod_namespace, settings.lease, candidate, BootClock(), problems)


def _not_seen(watch: Watch) -> tuple[str, ...]:
    if not watch.synced:
        return watch.waits_for()
    ages = watch.stale_for_s()
    return tuple(str(kind) for kind, age in ages.items() if age is not None and age > UNSEEN_S)


async def _ended(*tasks: "asyncio.Task[Any]") -> BaseException | None:
    """Cancel tasks and wait for their end; give the error of the first that had one of its own."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    own = (each for each in results if isinstance(each, Exception))
    failure = next(own, None)
    if failure is not None and not isinstance(failure, UserError):
        _log.error("a part of the controller failed", exc_info=failure)
    return failure


def _text(error: BaseException) -> str:
    if isinstance(error, ExceptionGroup):
        return "; ".join(_text(each) for each in error.exceptions)
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"

"""Endpoint pickers as they are asked: found by their Services, and watched closely while their models are at zero."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from wva.fleet.clock import Clock
from wva.fleet.observation import Traffic
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import PODS
from wva.kubernetes.measuring.pickers import Address, PickerService, addresses, label_selector
from wva.kubernetes.objects.service import Service
from wva.prometheus.gateway_scraper import GatewayScraper, GatewayTarget, OnQueue
from wva.prometheus.polling import PollingSettings
from wva.record.problems import Problems

_AT_ONCE = 10
"""Services that are asked for at the same time."""


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """How often what is asked. In seconds."""

    watch_s: float = 0.4
    """Between looks at the queue of a model at zero: a request that waits there is to be seen within a second."""
    sample_s: float = 5.0
    """Between samples of what serves."""
    find_s: float = 15.0
    """Between looks at where the pods of a Service are; longer where there are many."""
    found_per_s: float = 10.0
    """Services that are looked up in a second at most."""
    timeout_s: float = 1.0
    """For an answer."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown to endpoint pickers."""

    token: str | None = None
    token_file: Path | None = None


class Front:
    """The endpoint pickers in front of the fleet; use it as an asynchronous context manager."""

    def __init__(
        self,
        api: Api,
        find: Callable[[str, str], Service | None],
        clock: Clock,
        problems: Problems,
        credentials: Credentials,
        on_queue: OnQueue,
        settings: FrontSettings | None = None,
    ) -> None:
        """Follow none yet.

        Args:
            api: Says which pods are behind a Service.
            find: Gives a Service by its namespace and name.
            clock: Tells the time.
            problems: Where it is told who cannot be asked.
            credentials: What pickers are shown.
            on_queue: Told how many requests a picker holds for a model, every time that it says so.
            settings: How often what is asked.

        """
        self.models: frozenset[str] = frozenset()
        """Those that have a picker in front."""
        self._api = api
        self._find_service = find
        self._clock = clock
        self._problems = problems
        self._credentials = credentials
        self._settings = settings or FrontSettings()
        self._scraper = GatewayScraper(
            clock, PollingSettings(self._settings.watch_s, self._settings.timeout_s), problems, on_queue
        )
        self._pickers: Mapping[str, Collection[PickerService]] = {}
        self._found: dict[PickerService, tuple[Address, ...]] = {}
        self._looked: dict[PickerService, float] = {}

    async def __aenter__(self) -> Self:
        await self._scraper.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._scraper.__aexit__(kind, error, trace)

    async def follow(self, pickers: Mapping[str, Collection[PickerService]], at_zero: Collection[str]) -> None:
        """Ask the pickers of these models from now on; those of models ``at_zero`` often."""
        self.models, self._pickers = frozenset(pickers), pickers
        services = sorted({service for own in pickers.values() for service in own})
        await self._find(services)
        closely = {service for model in at_zero for service in pickers.get(model, ())}
        self._scraper.follow(
            [
                GatewayTarget(
                    address.id,
                    address.url,
                    namespace=service.namespace,
                    token=self._credentials.token,
                    token_file=self._credentials.token_file,
                    interval_s=None if service in closely else self._settings.sample_s,
                )
                for service in services
                for address in self._found.get(service, ())
            ]
        )

    async def refresh(self, models: Collection[str]) -> None:
        """Ask the pickers of these models now, and wait for their answers."""
        services = {service for model in models for service in self._pickers.get(model, ())}
        await self._scraper.refresh([address.id for each in services for address in self._found.get(each, ())])

    async def read(self, models: Sequence[str]) -> Mapping[str, Traffic]:
        """The traffic of each model that a picker knows."""
        return await self._scraper.read(models)

    async def _find(self, services: Sequence[PickerService]) -> None:
        """Look where the pods of Services are, unless that was done a moment ago."""
        for gone in self._looked.keys() - set(services):
            del self._looked[gone]
            self._found.pop(gone, None)
            self._problems.solved(_part(gone))
        now = self._clock.monotonic()
        every_s = max(self._settings.find_s, len(services) / self._settings.found_per_s)
        due = [service for service in services if now - self._looked.get(service, -float("inf")) >= every_s]
        limit = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(*(self._look(service, now, limit) for service in due))

    async def _look(self, service: PickerService, now: float, limit: asyncio.Semaphore) -> None:
        problem = None
        known = self._find_service(service.namespace, service.name)
        try:
            found: tuple[Address, ...] | str = "there is no such Service, or it selects no pods"
            if known is not None and known.selector is not None:
                async with limit:
                    pods = await self._api.list(PODS, service.namespace, label_selector(known.selector))
                found = addresses(known, pods)
            problem = found if isinstance(found, str) else None
            self._found[service] = () if isinstance(found, str) else found
        except ApiError as error:
            # Where the API server does not answer, the pickers are likely where they were.
            problem = str(error)
        self._looked[service] = now
        self._problems.settle(_part(service), problem)


def _part(service: PickerService) -> str:
    return f"pickers of {service.namespace}/{service.name}"

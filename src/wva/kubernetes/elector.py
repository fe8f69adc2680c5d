"""Keeps the Lease: carries out what the election says, for as long as it runs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from wva.kubernetes.api.client import Api, Body
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import LEASES
from wva.kubernetes.election import (
    Candidate,
    Over,
    Read,
    Wait,
    Write,
    accepted,
    failed,
    parse_lease,
    saw,
    step,
    stop,
)
from wva.kubernetes.objects.meta import instant
from wva.record.problems import Problems

LEASE = "lease"
"""What the Lease is called among the parts that can have problems."""

_GLANCE_S = 0.1
"""Seconds between looks at whether it still leads: leading ends by time alone where nobody answers."""

_log = logging.getLogger("wva")


class SteadyClock(Protocol):
    """A clock that is never set, and runs on while the machine sleeps."""

    def now(self) -> float:
        """Seconds since some instant."""

    def utc(self) -> float:
        """Seconds since the epoch, for people."""


class BootClock:
    """The machine's time since it was started."""

    def now(self) -> float:
        """Seconds since then, also those that it slept."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def utc(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class Elector:
    """One candidate for a Lease. ``run`` makes it stand; ``leads`` is to be asked before every action."""

    def __init__(
        self, api: Api, namespace: str, name: str, candidate: Candidate, clock: SteadyClock, problems: Problems
    ) -> None:
        """Stand for the Lease of that name once it runs."""
        self._api = api
        self._namespace = namespace
        self._name = name
        self._candidate = candidate
        self._clock = clock
        self._problems = problems
        self._stopping = asyncio.Event()
        self.led_before: float | None = None
        """When whoever led before it was alive last, in seconds since the epoch; ``None`` where nobody is known."""

    @property
    def holder(self) -> str | None:
        """Who led when the Lease was seen last; ``None`` where nobody did, or that is not known."""
        lease = self._candidate.lease
        return None if lease is None else lease.holder or None

    def leads(self) -> bool:
        """Whether it may act at this instant."""
        return self._candidate.leads(self._clock.now())

    async def until_leading(self) -> None:
        """Return when it leads."""
        while not self.leads():
            await asyncio.sleep(_GLANCE_S)

    async def until_lost(self) -> None:
        """Return when it leads no more, also where nothing but time has passed."""
        while self.leads():
            await asyncio.sleep(_GLANCE_S)

    def stop(self) -> None:
        """Act no more, and let go of the Lease: ``run`` ends once that is done, or cannot be."""
        self._candidate = stop(self._candidate)
        self._stopping.set()

    async def run(self) -> None:
        """Stand until stopped. What the API server refuses or does not answer is tried again."""
        while True:
            match step(self._candidate, self._clock.now(), self._clock.utc()):
                case Over():
                    return
                case Wait(until):
                    await self._pause(until - self._clock.now())
                case Read():
                    await self._tried(self._read)
                case Write() as write:
                    await self._tried(lambda write=write: self._write(write))  # type: ignore[misc]

    async def _tried(self, request: Callable[[], Awaitable[None]]) -> None:
        led = self.leads()
        try:
            # Longer than that nobody may wait for it: the answer would speak of another time.
            async with asyncio.timeout(self._candidate.settings.renew_s):
                await request()
        except (ApiError, TimeoutError) as error:
            self._candidate = failed(self._candidate)
            if self._stopping.is_set():
                # Whoever waits for the Lease finds it free when it has run out.
                self._candidate = saw(self._candidate, None, self._clock.now())
                return
            if not (isinstance(error, ApiError) and error.conflict):
                self._problems.report(LEASE, str(error) or "the API server does not answer in time")
            await self._pause(self._candidate.settings.retry_s)
        else:
            self._problems.solved(LEASE)
            if self.leads() != led:
                _log.info("%s the lease %s", "holds" if self.leads() else "let go of", self._name)

    async def _read(self) -> None:
        try:
            lease = parse_lease(await self._api.read(LEASES, self._namespace, self._name))
        except ApiError as error:
            if not error.missing:
                raise
            lease = None
        self._candidate = saw(self._candidate, lease, self._clock.now())

    async def _write(self, write: Write) -> None:
        metadata = {"name": self._name, "namespace": self._namespace}
        led, before = self.leads(), self._candidate.lease
        body: Body = {
            "apiVersion": LEASES.api_version,
            "kind": "Lease",
            "metadata": metadata,
            "spec": {name: value for name, value in write.spec.items() if value is not None},
        }
        if write.expected is None:
            answer = await self._api.create(LEASES, self._namespace, body)
        else:
            metadata["resourceVersion"] = write.expected
            answer = await self._api.replace(LEASES, self._namespace, self._name, body)
        self._candidate = accepted(self._candidate, write, parse_lease(answer), self._clock.now())
        if write.claims and not led and before is not None:
            self.led_before = instant(before.renewed)

    async def _pause(self, seconds: float) -> None:
        if self._stopping.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()


class Alone:
    """Leads without a Lease: where there is one controller and nobody else can act."""

    holder = None
    led_before = None

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def leads(self) -> bool:
        """Whether it may act."""
        return not self._stopping.is_set()

    async def until_leading(self) -> None:
        """Return at once."""

    async def until_lost(self) -> None:
        """Return when it is stopped."""
        await self._stopping.wait()

    def stop(self) -> None:
        """Act no more."""
        self._stopping.set()

    async def run(self) -> None:
        """Lead until stopped."""
        await self._stopping.wait()

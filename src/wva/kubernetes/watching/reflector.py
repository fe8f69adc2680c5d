"""One list of objects, read whole once and watched from then on, whatever comes between."""

import random
from collections.abc import Callable
from contextlib import aclosing
from typing import NoReturn

from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api, Body
from wva.kubernetes.api.errors import TOO_MANY, ApiError
from wva.kubernetes.api.events import Happened
from wva.kubernetes.api.resource import Resource
from wva.kubernetes.watching.feeds import Feed
from wva.kubernetes.watching.kinds import Key
from wva.kubernetes.watching.mirror import Mirror
from wva.kubernetes.watching.settings import WatchSettings
from wva.record.problems import Problems

_GOES_ON = frozenset({None, 401, TOO_MANY, 500, 502, 503})
"""Codes after which a watch goes on from where it was; a broken connection has none. Others begin with a list again."""


class Reflector:
    """Keeps a mirror up to date with one list. Nothing that the API server does ends it."""

    def __init__(
        self,
        api: Api,
        feed: Feed,
        mirror: Mirror,
        clock: Clock,
        settings: WatchSettings,
        problems: Problems,
        on_settled: Callable[[], None],
    ) -> None:
        """``on_settled`` is called once ``settled`` is so."""
        self.feed = feed
        self.settled = False
        """Whether it is known what is there: the list was read, or need not be."""
        self._api = api
        self._mirror = mirror
        self._clock = clock
        self._settings = settings
        self._problems = problems
        self._on_settled = on_settled
        self._part = f"watch of {feed}"
        self._position: tuple[Resource, str] | None = None
        """What is watched, and from which version; ``None`` where it has to be listed first."""
        self._newest = 0
        """Version of the newest list or event."""
        self._listed = False
        """Whether what was listed is in the mirror."""
        self._went_on = False
        """Whether a watch has gone on from the newest list."""
        self._page_size = settings.page_size
        self._failures = 0
        self._denied_since: float | None = None
        """Since when the API server says that there is no such kind, or does not show it."""
        self._heard_at: float | None = None

    def stale_for_s(self) -> float | None:
        """Seconds since the API server last confirmed what is in the mirror; ``None`` where it has not yet."""
        return None if self._heard_at is None else self._clock.monotonic() - self._heard_at

    async def run(self) -> NoReturn:
        """Go on until cancelled."""
        while True:
            try:
                pause = await self._turn()
            except ApiError as error:
                pause = self._after(error)
            await self._clock.sleep(pause)

    async def _turn(self) -> float:
        """List where that has to be, watch once, and say how long to wait then."""
        if self._position is None:
            await self._list()
        began = self._clock.monotonic()
        await self._watch()
        lasted = self._clock.monotonic() - began
        return self._settings.least_pause_s if lasted >= 1.0 else self._settings.first_pause_s

    async def _list(self) -> None:
        """Read the whole list into the mirror, page by page."""
        resource, page = await self._first_page()
        version = page["metadata"]["resourceVersion"]
        if int(version) < self._newest:
            self._mirror.distrust(self.feed)
        present = self._take_in(page)
        while token := page["metadata"].get("continue"):
            # Megabytes, that are not to wait for the next ones.
            page.clear()
            page = await self._page(resource, token)
            present |= self._take_in(page)
        self._mirror.listed(self.feed, present, version)
        self._position = resource, version
        self._newest, self._listed, self._went_on = int(version), True, False
        self._heard()

    async def _first_page(self) -> tuple[Resource, Body]:
        """Of the first version that the API server has."""
        *preferred, last = self.feed.resources
        for resource in preferred:
            try:
                return resource, await self._page(resource)
            except ApiError as error:
                if not error.missing:
                    raise
        return last, await self._page(last)

    async def _page(self, resource: Resource, token: str = "") -> Body:
        feed = self.feed
        return await self._api.page(resource, feed.namespace, self._page_size, token, feed.fields, feed.labels)

    def _take_in(self, page: Body) -> set[Key]:
        """Put a page's objects, which may lack what its head says of all, into the mirror."""
        common = {"apiVersion": page.get("apiVersion"), "kind": (page.get("kind") or "").removesuffix("List")}
        found = set()
        for body in page.get("items") or ():
            self._mirror.seen(self.feed.kind, {**common, **body})
            about = body["metadata"]
            found.add((about.get("namespace") or "", about["name"]))
        return found

    async def _watch(self) -> None:
        """Take in what happens until the API server ends it."""
        assert self._position is not None
        resource, version = self._position
        # Not all at once: every watch is a request.
        seconds = self._settings.watch_s * random.uniform(0.8, 1.0)
        feed, limit_s = self.feed, seconds + self._settings.patience_s
        stream = self._api.watch(resource, feed.namespace, version, seconds, limit_s, feed.fields, feed.labels)
        async with aclosing(stream) as events:
            async for event in events:
                if event.happened is Happened.DELETED:
                    about = event.body["metadata"]
                    self._mirror.gone(self.feed.kind, about.get("namespace") or "", about["name"], event.version)
                elif event.happened is not Happened.BOOKMARK:
                    self._mirror.seen(self.feed.kind, event.body)
                self._position = resource, event.version
                self._newest = int(event.version)
                self._goes_on()
        self._goes_on()

    def _goes_on(self) -> None:
        self._went_on, self._failures, self._page_size = True, 0, self._settings.page_size
        self._heard()

    def _heard(self) -> None:
        self._denied_since = None
        self._problems.solved(self._part)
        self._settle()

    def _settle(self) -> None:
        self._heard_at = self._clock.monotonic()
        if not self.settled:
            self.settled = True
            self._on_settled()

    def _after(self, error: ApiError) -> float:
        """How long to wait after a refusal or a failure, and what it means."""
        if error.missing or error.forbidden:
            self._position = None
            return self._denied(error)
        if error.expired:
            if not self._went_on:
                # The list took so long that its version was too old before or right after its end.
                self._page_size *= 4
            self._position = None
        elif error.code not in _GOES_ON:
            self._position = None
        self._failures += 1
        if not error.expired:
            self._problems.report(self._part, str(error))
        return self._backoff()

    def _denied(self, error: ApiError) -> float:
        """How long to wait where there is no such kind, or it is not shown."""
        now = self._clock.monotonic()
        if self._denied_since is None:
            self._denied_since = now
        if not self._listed or now - self._denied_since >= self._settings.grace_s:
            self._problems.settle(self._part, str(error) if error.forbidden else None)
            if error.missing or not self.feed.needed:
                self._mirror.forget(self.feed)
                self._listed = False
                self._settle()
                return self._settings.absent_s
        self._failures += 1
        return self._backoff()

    def _backoff(self) -> float:
        """Twice as long after every failure in a row, and never the same for all."""
        longest = self._settings.first_pause_s * 2.0 ** min(self._failures - 1, 16)
        return min(longest, self._settings.longest_pause_s) * random.uniform(0.5, 1.0)

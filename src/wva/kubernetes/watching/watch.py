"""All watches together: what they keep up to date, whether all of it is there yet, and how old it may be."""

import asyncio
from collections.abc import Mapping

from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api
from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.feeds import feeds
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror
from wva.kubernetes.watching.reflector import Reflector
from wva.kubernetes.watching.settings import WatchSettings
from wva.record.problems import Problems


class Watch:
    """Feeds a mirror from the API server, with no more rights than to list and watch."""

    def __init__(
        self,
        api: Api,
        scope: Scope,
        clock: Clock,
        *,
        problems: Problems | None = None,
        settings: WatchSettings | None = None,
    ) -> None:
        self.mirror = Mirror()
        self.problems = Problems() if problems is None else problems
        self._synced = asyncio.Event()
        self._reflectors = tuple(
            Reflector(api, feed, self.mirror, clock, settings or WatchSettings(), self.problems, self._settled)
            for feed in feeds(scope)
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for each in self._reflectors:
                tasks.create_task(each.run(), name=f"watch of {each.feed}")

    @property
    def synced(self) -> bool:
        """Whether everything that was there at first is in the mirror: before that, what is missing means nothing."""
        return self._synced.is_set()

    async def until_synced(self) -> None:
        """Wait for that; something must run the watches."""
        await self._synced.wait()

    def waits_for(self) -> tuple[str, ...]:
        """What keeps it from being in sync, for people."""
        return tuple(str(each.feed) for each in self._reflectors if not each.settled)

    def stale_for_s(self) -> Mapping[Kind, float | None]:
        """Seconds since the API server last confirmed what the mirror has of a kind; ``None`` where it has not yet."""
        ages: dict[Kind, float | None] = {}
        for each in self._reflectors:
            age, kind = each.stale_for_s(), each.feed.kind
            known = ages.get(kind, 0.0)
            ages[kind] = None if age is None or known is None else max(age, known)
        return ages

    def _settled(self) -> None:
        if all(each.settled for each in self._reflectors):
            self._synced.set()

"""Posts Kubernetes Events: as many as people can read, the repeated ones counted, none of them ever waited for."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import EVENTS
from wva.kubernetes.objects.meta import Meta
from wva.kubernetes.reporting.events import Event
from wva.kubernetes.status import time_text
from wva.record.problems import Problems

POSTER = "events"
"""Name of the poster among the parts that can have problems."""
COMPONENT = "workload-variant-autoscaler"
"""Who an event comes from, as for the reference."""

_REPEATED_S = 600.0
"""Seconds within which the same again is counted and not told anew."""
_REMEMBERED = 4096
_WAITING = 1024
"""Events that wait for the API server; the oldest goes where another one comes."""
_AT_ONCE = 4
_MESSAGE = 1024
"""Most characters of a message that the API server takes."""
_LONGEST_NAME = 200
"""Characters of an object's name that go into its event's, which has 253 at most."""


@dataclass(frozen=True, slots=True)
class Regarding:
    """The object that an event is about."""

    api_version: str
    kind: str
    meta: Meta


@dataclass(frozen=True, slots=True)
class _Posted:
    """An event in the API server."""

    name: str
    count: int
    first_at: float
    last_at: float


_Same = tuple[str, str, str, str]
"""Kind and uid of the object, and what events of it are told apart by."""


class EventPoster:
    """Posts what happens, best effort: what the API server refuses is lost."""

    def __init__(self, api: Api, leads: Callable[[], bool], clock: Clock, problems: Problems, identity: str) -> None:
        """``leads`` says whether this process may write, at that moment; ``identity`` tells it from its like."""
        self._api, self._leads, self._clock, self._problems = api, leads, clock, problems
        self._identity = identity
        self._waiting: deque[tuple[Regarding, Event, float]] = deque(maxlen=_WAITING)
        self._posted: OrderedDict[_Same, _Posted] = OrderedDict()
        self._number = 0
        self._news = asyncio.Event()

    def post(self, regarding: Regarding, events: Sequence[Event]) -> None:
        """Have events posted."""
        now = self._clock.utc()
        self._waiting.extend((regarding, event, now) for event in events)
        if events:
            self._news.set()

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.flush()

    async def flush(self) -> None:
        """Post what waits."""
        workers = (self._work() for _ in range(min(_AT_ONCE, len(self._waiting))))
        problems = [problem for problem in await asyncio.gather(*workers) if problem is not None]
        self._problems.settle(POSTER, problems[0] if problems else None)

    async def _work(self) -> str | None:
        problem = None
        while self._waiting:
            following = self._waiting.popleft()
            try:
                await self._post(*following)
            except ApiError as error:
                problem = str(error)
                if error.code is None:
                    # The API server is away: it is tried again with the next event.
                    self._waiting.appendleft(following)
                    break
        return problem

    async def _post(self, regarding: Regarding, event: Event, at: float) -> None:
        if not self._leads():
            return
        same = (regarding.kind, regarding.meta.uid, event.reason.value, event.kind)
        known = self._posted.get(same)
        if known is not None and at - known.last_at < _REPEATED_S:
            posted = replace(known, count=known.count + 1, last_at=at)
            if await self._counted(regarding, event, posted):
                self._remember(same, posted)
                return
        self._number += 1
        name = f"{regarding.meta.name[:_LONGEST_NAME]}.{int(at * 1000):x}{self._number:x}"
        posted = _Posted(name, 1, at, at)
        await self._api.create(EVENTS, regarding.meta.namespace, self._body(regarding, event, posted))
        self._remember(same, posted)

    async def _counted(self, regarding: Regarding, event: Event, posted: _Posted) -> bool:
        """Whether the event was there still to be counted on."""
        newer = {"count": posted.count, "lastTimestamp": time_text(posted.last_at), "message": event.message[:_MESSAGE]}
        try:
            await self._api.patch(EVENTS, regarding.meta.namespace, posted.name, newer)
        except ApiError as error:
            if error.missing:
                return False
            raise
        return True

    def _remember(self, same: _Same, posted: _Posted) -> None:
        self._posted[same] = posted
        self._posted.move_to_end(same)
        if len(self._posted) > _REMEMBERED:
            self._posted.popitem(last=False)

    def _body(self, regarding: Regarding, event: Event, posted: _Posted) -> dict[str, Any]:
        about = regarding.meta
        return {
            "apiVersion": EVENTS.api_version,
            "kind": "Event",
            "metadata": {"namespace": about.namespace, "name": posted.name},
            "involvedObject": {
                "apiVersion": regarding.api_version,
                "kind": regarding.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": "Warning" if event.warning else "Normal",
            "reason": event.reason.value,
            "message": event.message[:_MESSAGE],
            "count": posted.count,
            "firstTimestamp": time_text(posted.first_at),
            "lastTimestamp": time_text(posted.last_at),
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._identity,
        }

"""Writes the status of ``VariantAutoscaling`` objects: what has changed, soon, and never too often."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from wva.control.limits import within
from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api, Body
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS
from wva.kubernetes.status import LEAST_PAUSE_S, Report, is_due, status_body
from wva.kubernetes.watching.mirror import Written
from wva.record.problems import Problems

Key = tuple[str, str]
"""Namespace and name."""

STATUS = "status"
"""Name of the writer among the parts that can have problems."""

_AT_ONCE = 8
"""Requests under way."""
_BETWEEN_BREATHS = 50
"""Objects that are compared before others get their turn of the event loop: some milliseconds."""


class StatusWriter:
    """Keeps the status of objects as the newest reports say.

    A report that says nothing new leads to no request. One that comes too early after a write is kept and written
    later, unless another one has come for its object by then. Where somebody else has changed the object in the
    meantime the API server refuses the write, and the report is compared anew. Where it takes no writes at all, few are
    tried until it does.
    """

    def __init__(
        self,
        api: Api,
        find: Callable[[str, str], Written | None],
        wrote: Callable[[Body], None],
        leads: Callable[[], bool],
        clock: Clock,
        problems: Problems,
        pause_s: float = LEAST_PAUSE_S,
    ) -> None:
        """``pause_s`` is the least time between two writes of one object.

        Args:
            api: The API server.
            find: Gives what is known of an object, by namespace and name; ``None`` where it is not there.
            wrote: Takes the object as a write has left it. From then on ``find`` gives that or what is newer.
            leads: Says whether this process may write, at that moment.
            clock: For the pauses and for times in the status.
            problems: Where refusals are told that do not solve themselves.
            pause_s: In seconds.

        """
        self._api, self._find, self._wrote, self._leads = api, find, wrote, leads
        self._clock, self._problems, self._pause_s = clock, problems, pause_s
        self._waiting: dict[Key, Report] = {}
        self._tried_at: dict[Key, float] = {}
        self._refused: dict[Key, str] = {}
        """Versions of objects whose status is not taken, whatever it says, because their ``spec`` is not either."""
        self._hopeless = False
        """Whether no write is taken, by what the last ones have come to."""
        self._news = asyncio.Event()

    def say(self, reports: Mapping[Key, Report]) -> None:
        """Take the newest reports of all objects; an object without one is left as it is."""
        self._waiting = dict(reports)
        self._tried_at = {key: at for key, at in self._tried_at.items() if key in reports}
        self._refused = {key: version for key, version in self._refused.items() if key in reports}
        self._news.set()

    def said_of(self, key: Key) -> Mapping[str, Any]:
        """The status that an object has by what is known."""
        known = self._find(*key)
        return {} if known is None else known.status

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            pause = await self.write()
            with suppress(TimeoutError):
                news = self._news.wait()
                await (news if pause is None else within(self._clock, pause, news))
            self._news.clear()

    async def write(self, *, at_once: bool = False) -> float | None:
        """Write what is due; give the seconds until more is, ``None`` where nothing waits.

        ``at_once`` is for the last time: what was written a moment ago is due as well.
        """
        places = asyncio.Semaphore(_AT_ONCE)
        self._hopeless = False
        due = await self._due(0.0 if at_once else self._pause_s)
        refusals = await asyncio.gather(*(self._write_one(*each, places) for each in due))
        if due:
            self._problems.settle(STATUS, next((refusal for refusal in refusals if refusal is not None), None))
        if not self._waiting:
            return None
        now = self._clock.monotonic()
        first = min(self._tried_at.get(key, now - self._pause_s) for key in self._waiting)
        # Those that are due soon after one another are written together.
        return max(self._pause_s / 10, first + self._pause_s - now)

    async def _due(self, pause_s: float) -> list[tuple[Key, Report, str, dict[str, Any]]]:
        """What has to be written and may be: with the version that it was compared with, and the status to write."""
        found = []
        for place, (key, report) in enumerate(list(self._waiting.items()), start=1):
            if place % _BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            known = self._find(*key)
            status = None if known is None else status_body(known.status, report, self._clock.utc())
            if known is None or status is None or self._refused.get(key) == known.version:
                self._done(key, report)
            elif is_due(self._tried_at.get(key), self._clock.monotonic(), pause_s):
                found.append((key, report, known.version, status))
        return found

    async def _write_one(
        self, key: Key, report: Report, version: str, status: dict[str, Any], places: asyncio.Semaphore
    ) -> str | None:
        """Write one status; the refusal, where there is one that does not solve itself."""
        async with places:
            if self._hopeless or not self._leads():
                return None
            self._tried_at[key] = self._clock.monotonic()
            body = {"metadata": {"resourceVersion": version}, "status": status}
            try:
                answer = await self._api.patch(VARIANT_AUTOSCALINGS, *key, body, "status")
            except ApiError as error:
                if error.missing:
                    self._done(key, report)
                if error.invalid:
                    self._refused[key] = version
                self._hopeless = self._hopeless or error.code is None or error.forbidden
                return None if error.missing or error.conflict else str(error)
        self._wrote(answer)
        self._done(key, report)
        return None

    def _done(self, key: Key, report: Report) -> None:
        """Forget a report, unless a newer one has come."""
        if self._waiting.get(key) is report:
            del self._waiting[key]

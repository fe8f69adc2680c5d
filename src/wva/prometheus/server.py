"""Measures a fleet by what a Prometheus server has scraped of it.

One query for each metric brings the raw samples of the whole fleet that are new since the last turn, all as of one
instant of the server's clock. Raw samples carry their own times, so ages are true (what ``time() - max by (...)
(timestamp(...))`` answers), and windows are taken over them by the same rules as over direct scrapes: no rate is
extrapolated, and a young replica's is unknown until two samples say it.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from wva.fleet.clock import Clock
from wva.fleet.readings import Endpoint, Readings
from wva.prometheus.answer import RefusedError, result
from wva.prometheus.connection import Connection, PrometheusApi
from wva.prometheus.history import LONG_S
from wva.prometheus.intake import Intake, Question
from wva.prometheus.labels import JoinBy, Labels
from wva.record.problems import Problems

__all__ = ["PROMETHEUS", "JoinBy", "Labels", "PrometheusServer"]

LATE_S = 30.0
"""Seconds before the last turn from which samples are asked for again: some reach the server late."""

PROMETHEUS = "prometheus"
"""Name of the server among the parts that can have problems."""

T = TypeVar("T")


class PrometheusServer:
    """Reads a fleet from a Prometheus server; use it as an asynchronous context manager.

    It never fails: what a query does not bring is unknown, and what was known keeps its last reading, whose age grows
    until it is five minutes old and forgotten. Answers are read in a thread of its own, so that those of a large fleet
    do not stop the event loop.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        labels: Labels | None = None,
        problems: Problems | None = None,
        *,
        latencies: bool = True,
    ) -> None:
        """``latencies`` says whether to ask for those that gateways measure, by which not every policy decides.

        Raises ``UserError`` where the connection's address or certificates are wrong.
        """
        self.problems = Problems() if problems is None else problems
        self._api = PrometheusApi(connection)
        self._timeout_s = connection.timeout_s
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wva measures")
        """Whatever touches the intake is done here, one after the other."""
        self._intake = Intake(labels or Labels(), latencies=latencies)
        self._ahead: float | None = None
        """The server's clock minus the monotonic one; ``None`` before its first answer."""
        self._asked: float | None = None
        """When the last whole answer was as of, on the server's clock."""
        self._longest_s = LONG_S
        """Longest window that is asked for: less where an answer did not come in time."""

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def read(self, endpoints: Sequence[Endpoint], models: Sequence[str]) -> Readings:
        """Ask for what is new, and give the newest readings with their ages."""
        problem: str | None = f"no answer within {self._timeout_s:g} s"
        longest_s, self._longest_s = self._longest_s, max(LATE_S, self._longest_s / 2)
        try:
            async with asyncio.timeout(self._timeout_s):
                problem = await self._ask(longest_s)
            self._longest_s = LONG_S
        except TimeoutError:
            pass
        except RefusedError as refused:
            problem = str(refused)
            self._longest_s = LONG_S
        self.problems.settle(PROMETHEUS, problem)
        if self._ahead is None:
            return Readings({}, {})
        now = self._clock.monotonic() + self._ahead
        return await self._in_thread(lambda: self._intake.readings(endpoints, models, now))

    async def _ask(self, longest_s: float) -> str | None:
        """Take in what is new; give the problem of the first query that failed, if any did."""
        headers = self._api.authorization()
        before = self._clock.monotonic()
        at = _instant(await self._api.query("time()", headers))
        # As if the answer took no time to come, so that nothing looks younger than it is.
        self._ahead = at - before
        window = longest_s if self._asked is None else min(longest_s, max(0.0, at - self._asked) + LATE_S)
        await self._in_thread(self._intake.begin)
        questions = self._intake.questions(math.ceil(window) + 1)
        asked = (self._gather(question, headers, at) for question in questions)
        failures = [one for one in await asyncio.gather(*asked, return_exceptions=True) if one is not None]
        if len(failures) == len(questions):
            raise failures[0]
        problems = await self._in_thread(lambda: self._intake.take(at))
        if not failures:
            self._asked = at
        problems = [str(failure) for failure in failures] + problems
        return problems[0] if problems else None

    async def _gather(self, question: Question, headers: dict[str, str], at: float) -> None:
        body = await self._api.query(question.query, headers, at)
        await self._in_thread(lambda: question.read(body))

    async def _in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)


def _instant(body: bytes) -> float:
    """The value of a scalar. Raises ``RefusedError`` where it is none."""
    found = result(body)
    try:
        return float(found[1])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise RefusedError(f"it does not know its time: {found!r}") from error

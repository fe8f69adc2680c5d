"""Sending a workload at its times. Arrivals never wait for answers."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from wva.engine.batch.state import PICOSECONDS
from wva.fleet.errors import UserError
from wva.workload.driver.prompts import Bodies, PromptKind
from wva.workload.driver.seen import BROKEN, COMPLETED, CONNECTION, INCOMPLETE, TIMEOUT, Seen, refused
from wva.workload.merge import Workload
from wva.workload.stream import TokenCount

KEEP_ALIVE_S = 2.0
"""Shorter than any server's, so that no request goes into a connection that is just being closed."""
PROGRESS_S = 0.25


@dataclass(frozen=True, slots=True)
class DriveSettings:
    """How a workload is played."""

    url: str
    """Base of the server's addresses, without ``/v1``."""
    speed: float = 1.0
    """How many times faster than the workload's own time."""
    prompts: PromptKind = PromptKind.IDS
    seed: int = 1
    """Of the prompts."""
    timeout_s: float | None = 600.0
    """From when a request was due to its last token, by the clock."""
    api_key: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a driver is."""

    sent: int
    ended: int
    failed: int
    lateness_s: float
    """Of the request sent last."""


async def list_models(settings: DriveSettings) -> tuple[str, ...]:
    """The models that the server lists.

    Raises:
        UserError: It cannot be reached, or gives no list.

    """
    try:
        async with _session(settings, 10.0) as session, session.get(f"{settings.url}/v1/models") as answer:
            answer.raise_for_status()
            return tuple(str(model["id"]) for model in (await answer.json())["data"])
    except (ClientError, OSError, TimeoutError) as error:
        raise UserError(f"--url {settings.url}: cannot be reached ({error}); give the address of a server") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"--url {settings.url}: /v1/models gives no list of models; give an OpenAI server") from None


async def drive(
    workload: Workload,
    settings: DriveSettings,
    stop: asyncio.Event,
    progress: Callable[[Progress], None] | None = None,
) -> Seen:
    """Send all requests and wait for the answers, or until ``stop`` is set; what was not sent by then is left out."""
    return await _Driver(workload, settings, stop, progress).run()


class _Driver:
    def __init__(
        self,
        workload: Workload,
        settings: DriveSettings,
        stop: asyncio.Event,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._workload = workload
        self._settings = settings
        self._stop = stop
        self._progress = progress
        self._bodies = Bodies(workload, settings.prompts, settings.seed)
        self._seen = Seen.of(workload.arrival_ps / PICOSECONDS / settings.speed)
        self._sent = self._ended = self._failed = 0
        self._loop = asyncio.get_running_loop()
        self._began = 0.0

    async def run(self) -> Seen:
        stopped = asyncio.create_task(self._stop.wait())
        reporter = asyncio.create_task(self._report())
        running: set[asyncio.Task[None]] = set()
        async with _session(self._settings, None) as session:
            self._began = self._loop.time()
            for request in range(len(self._workload)):
                left = self._began + float(self._seen.due_s[request]) - self._loop.time()
                if left > 0:
                    await asyncio.wait([stopped], timeout=left)
                else:
                    # Behind its schedule it still lets answers come in.
                    await asyncio.sleep(0)
                if stopped.done():
                    break
                self._sent += 1
                task = asyncio.create_task(self._send(session, request))
                running.add(task)
                task.add_done_callback(running.discard)
            answers = asyncio.ensure_future(asyncio.wait(running)) if running else None
            if answers is not None:
                await asyncio.wait([answers, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in list(running):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if answers is not None:
                await answers
        stopped.cancel()
        reporter.cancel()
        self._tell()
        return self._seen.first(self._sent)

    async def _send(self, session: ClientSession, request: int) -> None:
        due = self._began + float(self._seen.due_s[request])
        body = self._bodies.body(request)
        outcome = INCOMPLETE
        try:
            async with asyncio.timeout_at(None if self._settings.timeout_s is None else due + self._settings.timeout_s):
                self._seen.sent_s[request] = self._now()
                outcome = await self._answer(session, request, body)
        except TimeoutError:
            outcome = TIMEOUT
        except (ClientError, OSError):
            outcome = CONNECTION if math.isnan(self._seen.first_s[request]) else BROKEN
        finally:
            self._seen.outcome[request] = outcome
            self._seen.end_s[request] = self._now()
            self._ended += 1
            self._failed += outcome != COMPLETED

    async def _answer(self, session: ClientSession, request: int, body: bytes) -> str:
        count = TokenCount(streaming=True)
        url = f"{self._settings.url}/v1/completions"
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            if answer.status != 200:
                return refused(answer.status)
            async for chunk in answer.content.iter_any():
                if not count.events:
                    self._seen.first_s[request] = self._now()
                count.take(chunk)
        self._seen.tokens[request] = count.tokens
        return COMPLETED if count.complete and not count.failed else BROKEN

    def _now(self) -> float:
        return self._loop.time() - self._began

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            self._tell()

    def _tell(self) -> None:
        if self._progress is not None and self._sent:
            last = self._sent - 1
            late = float(self._seen.sent_s[last] - self._seen.due_s[last])
            self._progress(Progress(self._sent, self._ended, self._failed, max(late, 0.0)))


def _session(settings: DriveSettings, total_s: float | None) -> ClientSession:
    return ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
        timeout=ClientTimeout(total=total_s),
        cookie_jar=DummyCookieJar(),
        headers={} if settings.api_key is None else {"Authorization": f"Bearer {settings.api_key}"},
    )

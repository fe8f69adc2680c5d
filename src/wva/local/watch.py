"""Telling a hung replica from a busy one.

A busy server may leave a request of one token waiting behind thousands of others, so silence alone proves nothing. What
a busy engine cannot help is to step: vLLM counts tokens at every step. So a replica is alive while its step counters
move; while they rest, a real request must be answered, and a refusal for being busy is an answer. Without either for
``hung_after_s``, seen look by look, it is hung. One that was put to sleep on purpose rests, and is not hung. Of a
server without vLLM's counters only the answer counts.

The request is sent only while the counters rest though requests are at the replica, so one that works never gets any,
and neither does one that has nothing to do: it would count as load, and policies would learn from it that prompts and
answers have one token. An engine that hangs while it is idle is found out by its first request.
"""

import asyncio
from collections.abc import Callable

from wva.control.seams import Clock
from wva.local.probe import Answer, Engine, Prober, Verdict
from wva.local.schema import Probe
from wva.local.timing import Timing

GLANCE_S = 0.2
"""Seconds on the wall that a look waits for an answer before it goes on; an idle server needs less."""


class Watch:
    """One ready replica under observation."""

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        timing: Timing,
        *,
        url: str,
        model: str,
        probe: Probe,
        has_requests: Callable[[], bool],
    ) -> None:
        """Believe it alive now; ``has_requests`` says whether requests were sent to it that have not ended."""
        self._prober = prober
        self._clock = clock
        self._timing = timing
        self._url = url
        self._model = model
        self._probe = probe
        self._has_requests = has_requests
        self._steps: frozenset[str] = frozenset()
        self._silent_since: float | None = None
        self._question: asyncio.Task[Answer] | None = None
        self._said = "it does not answer"

    async def until_hung(self) -> str:
        """Look again and again; return, with a reason, once it is hung."""
        try:
            while True:
                await self._clock.sleep(self._timing.check_s)
                silent_s = self._silent_for(await self._is_alive())
                if silent_s >= self._timing.hung_after_s:
                    return f"hung: no answer and no step for {silent_s:.0f} s ({self._said})"
        finally:
            await self._drop_question()

    def _silent_for(self, alive: bool) -> float:
        # From the first look that found silence: a time in which nobody could look, on a busy machine, proves nothing.
        now = self._clock.monotonic()
        if alive:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = now
        return 0.0 if self._silent_since is None else now - self._silent_since

    async def _is_alive(self) -> bool:
        engine = await self._prober.engine(self._url)
        if engine is not None and (engine.asleep or engine.steps != self._steps or self._is_idle(engine)):
            self._steps = engine.steps
            await self._drop_question()
            return True
        return await self._answers()

    def _is_idle(self, engine: Engine) -> bool:
        return bool(engine.steps) and not self._has_requests()

    async def _answers(self) -> bool:
        """Whether the request under way, or a new one, is answered by the next look."""
        if self._question is None:
            self._question = asyncio.ensure_future(self._prober.ask(self._url, self._probe, self._model))
        # Not asyncio.wait_for: before Python 3.12 it may answer instead of ending where it is cancelled.
        await asyncio.wait((self._question,), timeout=GLANCE_S)
        if not self._question.done():
            return False
        answer, self._question = self._question.result(), None
        if answer.verdict is Verdict.FAILED:
            self._said = answer.text
        return answer.verdict is not Verdict.FAILED

    async def _drop_question(self) -> None:
        if self._question is not None:
            self._question.cancel()
            await asyncio.gather(self._question, return_exceptions=True)
            self._question = None

"""The emulated server without its HTTP edge: the engine, the requests that wait for it, and the faults in force."""

import asyncio
import random
from collections.abc import Callable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from wva.emulator.answer import decide_answer
from wva.emulator.clock import ModelClock
from wva.emulator.control import Control
from wva.emulator.driver import Driver
from wva.emulator.engine import LiveEngine, Work
from wva.emulator.errors import ApiError, engine_failed, shutting_down, too_busy
from wva.emulator.faults import Faults, Hang
from wva.emulator.generation import Generation
from wva.emulator.metrics.cache_config import cache_config
from wva.emulator.metrics.engine import EngineMetrics
from wva.emulator.metrics.http import HttpMetrics
from wva.emulator.metrics.requests import REJECTIONS, RequestMetrics
from wva.emulator.prefixes import block_hashes
from wva.emulator.protocol import Ask, Limits
from wva.emulator.settings import Settings, modelled_server
from wva.emulator.tokens import Words
from wva.fleet.catalogue import model_shape

_ENGINE = "0"
"""Index of the engine in metrics: there is one."""
_BEFORE_CRASH_S = 0.01
"""So long the bytes that are already written take to leave."""


class Core:
    """One model server. Made inside an event loop."""

    def __init__(self, settings: Settings, crash: Callable[[], None]) -> None:
        """``crash`` ends the process at once.

        Raises ``UserError`` where the settings describe no server that could run.
        """
        server = modelled_server(settings)
        self.settings = settings
        self.limits = Limits(
            settings.names, server.max_model_len, server.longest_prompt, model_shape(settings.model).vocabulary
        )
        self.clock = ModelClock(settings.speed)
        self.driver = Driver(LiveEngine(server, prefix_caching=settings.prefix_caching), self.clock)
        self.words = Words(settings.seed)
        self.faults = Faults()
        self.answering = asyncio.Event()
        """Set unless everything hangs."""
        self.draining = False
        self.under_way: set[Generation] = set()
        self.control = Control(self.driver, self._abort, self.clock.real_s(settings.wake_up_s))
        self._idle = asyncio.Event()
        self._idle.set()
        self._crash = crash
        self._crash_timer: asyncio.TimerHandle | None = None
        self._draw = random.Random(settings.seed)
        self._requests = 0
        self.registry, self.requests, self.http = self._metrics()

    def _metrics(self) -> tuple[CollectorRegistry, RequestMetrics, HttpMetrics]:
        settings, server = self.settings, self.driver.engine.server
        registry = CollectorRegistry()
        GCCollector(registry)
        PlatformCollector(registry)
        ProcessCollector(registry=registry)
        requests = RequestMetrics(registry, settings.names[0], _ENGINE, server.max_model_len)
        engine = EngineMetrics(
            self.driver.engine,
            requests,
            model=settings.names[0],
            engine_label=_ENGINE,
            cache_config=cache_config(server, settings.engine, settings.kv_precision, settings.prefix_caching),
            now_ps=self.clock.now_ps,
            sleep_level=lambda: self.control.sleep_level,
        )
        registry.register(engine)
        return registry, requests, HttpMetrics(registry)

    def begin(self) -> None:
        """Be up: from now on faults count their time."""
        self.answering.set()
        self.set_faults(self.settings.faults)

    def generation(self, ask: Ask) -> Generation:
        """Admit a request; it begins when it is told to.

        Raises ``ApiError`` while shutting down (500) and at an admission limit (503).
        """
        if self.draining:
            raise shutting_down()
        self._admit(len(ask.prompts) * ask.n)
        self._requests += 1
        answers, work = [], []
        now = self.clock.now_ps()
        for prompt, sampling in zip(ask.prompts, ask.sampling, strict=True):
            blocks = block_hashes(prompt) if self.settings.prefix_caching else ()
            for choice in range(ask.n):
                answer = decide_answer(
                    self.words,
                    self.settings.answer_tokens,
                    sampling,
                    prompt.tobytes(),
                    choice,
                    self.settings.seed,
                )
                answers.append(answer)
                work.append(Work(now, len(prompt), answer.tokens, blocks))
        generation = Generation(self.driver, self.requests, ask, answers, work)
        if self.faults.error_rate > self._draw.random():
            generation.fail_at = self.faults.error_after_tokens
        if self._requests == self.faults.crash_after_requests:
            generation.at_first_token = lambda: self._crash_in(_BEFORE_CRASH_S)
        self.under_way.add(generation)
        self._idle.clear()
        return generation

    def ended(self, generation: Generation) -> None:
        """A request has got its response, or its client has left."""
        self.under_way.discard(generation)
        if not self.under_way:
            self._idle.set()

    async def drain(self, timeout_s: float, hurry: asyncio.Event) -> None:
        """Take nothing new; wait for what is under way for so many of the model's seconds, then cut it."""
        self.draining = True
        if timeout_s > 0:
            waiting = [asyncio.ensure_future(self._idle.wait()), asyncio.ensure_future(hurry.wait())]
            await asyncio.wait(waiting, timeout=self.clock.real_s(timeout_s), return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
        for generation in list(self.under_way):
            generation.fail(engine_failed())

    def set_faults(self, faults: Faults) -> None:
        """Put these faults in force instead of those before."""
        self.faults = faults
        self.driver.engine.slow_down(faults.slow_tokens)
        if faults.hang is Hang.SERVER:
            self.answering.clear()
        else:
            self.answering.set()
        self.control.hang(faults.hang is not None)
        if self._crash_timer is not None:
            self._crash_timer.cancel()
            self._crash_timer = None
        if faults.crash_after_s is not None:
            self._crash_in(self.clock.real_s(faults.crash_after_s))

    def close(self) -> None:
        """Let no timer be left."""
        self.driver.stop()
        if self._crash_timer is not None:
            self._crash_timer.cancel()

    def _admit(self, sequences: int) -> None:
        settings = self.settings
        most, tokens = settings.max_num_queued_reqs, settings.max_num_queued_tokens
        if most is not None and self.driver.in_flight + sequences > most:
            raise self._refusal(REJECTIONS[0], f"{self.driver.in_flight} requests are under way, at most {most} may be")
        if tokens is not None:
            queued = sum(generation.prefilling_tokens for generation in self.under_way)
            if queued >= tokens:
                raise self._refusal(REJECTIONS[1], f"{queued} prompt tokens are queued, below {tokens} is admitted")

    def _refusal(self, reason: str, message: str) -> ApiError:
        self.requests.rejected(reason)
        return too_busy(f"The request queue is full: {message}.")

    def _abort(self) -> None:
        for generation in list(self.under_way):
            generation.abort()

    def _crash_in(self, seconds: float) -> None:
        self._crash_timer = asyncio.get_running_loop().call_later(seconds, self._crash)

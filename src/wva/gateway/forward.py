"""One request from its arrival to the end of its answer: a place on a replica, the answer, and other tries."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from wva.gateway.ask import Ask
from wva.gateway.connection import Answer, BrokenError
from wva.gateway.connections import Connections, origin_of
from wva.gateway.errors import ApiError, Outcome, RefusalError
from wva.gateway.metrics import GatewayMetrics
from wva.gateway.pool import Lease, ModelPool
from wva.gateway.relay import Relay, Watchdog, answer_to, asked_head
from wva.gateway.settings import GatewaySettings
from wva.workload.stream import TokenCount

EVENT_STREAM = "text/event-stream"
ENDS_WITH_DONE = ("/v1/completions", "/v1/chat/completions")
"""Paths whose streams end with a mark, so that one that breaks off can be told from one that is complete."""


class _NotSentError(Exception):
    """Nobody listens at a replica: it got nothing."""


class _OverloadedError(Exception):
    """A replica answered 503 before it did anything."""

    def __init__(self, body: bytes, content_type: str | None, retry_after: str | None) -> None:
        super().__init__()
        self.body = body
        self.content_type = content_type
        self.retry_after = retry_after


class Forwarder:
    """Sends requests to replicas."""

    def __init__(
        self,
        connections: Connections,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
    ) -> None:
        """``clock`` gives monotonic seconds."""
        self._connections = connections
        self._settings = settings
        self._metrics = metrics
        self._clock = clock

    async def serve(self, pool: ModelPool, ask: Ask, request: web.Request, body: bytes) -> web.StreamResponse:
        """Answer a request; every way in which it can end is counted once."""
        exchange = _Exchange(self._connections, self._settings, self._metrics, self._clock, pool, ask, request, body)
        try:
            async with asyncio.timeout(self._settings.on_the_wall(self._settings.total_timeout)):
                return await exchange.run()
        except TimeoutError:
            exchange.outcome = Outcome.TOTAL_TIMEOUT
            error = ApiError(504, "The answer took too long.", "total_timeout")
            if exchange.answer is not None and exchange.answer.prepared:
                return await exchange.break_off(error)
            raise RefusalError(Outcome.TOTAL_TIMEOUT, error) from None
        except RefusalError as refusal:
            exchange.outcome = refusal.outcome
            raise
        finally:
            self._metrics.ended(ask, exchange.outcome)


class _Exchange:
    """The life of one request."""

    def __init__(
        self,
        connections: Connections,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
        clock: Callable[[], float],
        pool: ModelPool,
        ask: Ask,
        request: web.Request,
        body: bytes,
    ) -> None:
        self.outcome = Outcome.CANCELLED
        """How it ended; until something else is known, by the client's leaving."""
        self.answer: web.StreamResponse | None = None
        """What the client gets, once a replica has begun to answer."""
        self._connections = connections
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._pool = pool
        self._ask = ask
        self._request = request
        self._body = body

    async def run(self) -> web.StreamResponse:
        """Try replicas until one answers.

        Raises:
            RefusalError: None does.

        """
        lease = await self._place()
        overloaded: set[str] = set()
        while True:
            try:
                return await self._attempt(lease)
            except _NotSentError:
                lease.state.refused()
                reason, other = "refused", await self._place()
            except _OverloadedError as answer:
                overloaded.add(lease.backend.instance)
                again = len(overloaded) <= self._settings.max_retries
                found = self._pool.acquire_now(self._ask, without=overloaded) if again else None
                if found is None:
                    return self._pass_on(answer)
                reason, other = "overloaded", found
            self._metrics.retried(self._ask, reason)
            lease = other

    async def break_off(self, error: ApiError) -> web.StreamResponse:
        """End an answer that has begun so that nobody takes it for complete: with an error, and not in due form."""
        assert self.answer is not None
        if self.answer.content_type == EVENT_STREAM:
            await self.answer.write(b"data: " + error.body() + b"\n\n")
        if self._request.transport is not None:
            self._request.transport.close()
        return self.answer

    async def _place(self) -> Lease:
        """A place on a replica, waited for as long as the settings allow."""
        began = self._clock()
        left = self._settings.first_token_timeout - (began - self._ask.arrived_at)
        if self._settings.queue_timeout is not None:
            left = min(left, self._settings.queue_timeout)
        outcome = "NotDispatched"
        try:
            lease = await self._pool.acquire(self._ask, max(left, 0.0) / self._settings.clock_speed)
            outcome = "Dispatched"
            return lease
        finally:
            self._metrics.held(self._ask, self._clock() - began, outcome)

    async def _attempt(self, lease: Lease) -> web.StreamResponse:
        """Have one replica answer. Raises what ``_open`` does."""
        outcome = Outcome.CANCELLED
        try:
            upstream = await self._open(lease)
            lease.answering()
            self.answer = answer_to(upstream)
            outcome = await self._relay(upstream, self.answer)
            self.outcome = outcome
            return self.answer
        except (_NotSentError, _OverloadedError):
            outcome = Outcome.UNAVAILABLE
            raise
        except RefusalError as refusal:
            outcome = refusal.outcome
            raise
        finally:
            self._metrics.left(self._ask, lease.backend.variant, lease.backend.instance, outcome)
            lease.end()

    async def _open(self, lease: Lease) -> Answer:
        """Send the request; return the answer with the first piece of its body, up to which nothing is promised.

        Raises:
            _NotSentError: The replica got nothing.
            _OverloadedError: It did nothing.
            RefusalError: It answered nothing, or not in time.

        """
        upstream: Answer | None = None
        left = self._settings.first_token_timeout - (self._clock() - self._ask.arrived_at)
        try:
            async with asyncio.timeout(max(left, 0.0) / self._settings.clock_speed if self._ask.streaming else None):
                upstream = await self._send(lease)
                await upstream.begun()
                if upstream.status == HTTPStatus.SERVICE_UNAVAILABLE:
                    kind, retry_after = upstream.headers.get("Content-Type"), upstream.headers.get("Retry-After")
                    raise _OverloadedError(await upstream.read(), kind, retry_after)
                return upstream
        except BaseException as error:
            if upstream is not None:
                upstream.close()
            match error:
                case TimeoutError():
                    what = ApiError(504, "No first token came in time.", "first_token_timeout")
                    raise RefusalError(Outcome.FIRST_TOKEN_TIMEOUT, what) from None
                case BrokenError():
                    what = ApiError(502, "The replica broke the connection before it answered.", "upstream_error")
                    raise RefusalError(Outcome.UPSTREAM_ERROR, what) from None
            raise

    async def _send(self, lease: Lease) -> Answer:
        origin = origin_of(lease.backend.url)
        try:
            connection = await self._connections.get(origin)
        except OSError:
            raise _NotSentError from None
        return connection.ask(asked_head(self._request, origin, len(self._body)), self._body)

    async def _relay(self, upstream: Answer, answer: web.StreamResponse) -> Outcome:
        """Hand the answer on as it comes; return how it ended."""
        streaming = answer.content_type == EVENT_STREAM
        count = TokenCount(streaming)
        watchdog = Watchdog(
            self._settings.on_the_wall(self._settings.stall_timeout) if streaming else None, upstream.close
        )

        def seen(piece: bytes) -> None:
            count.take(piece)
            watchdog.heard()

        began = self._clock()
        try:
            await Relay(self._request, answer, upstream, seen).run()
            if streaming and self._request.path in ENDS_WITH_DONE and not count.complete:
                return await self._broken()
            await answer.write_eof()
        except BrokenError:
            return await self._broken()
        except ConnectionError:
            return Outcome.CANCELLED
        finally:
            watchdog.stop()
            upstream.close()
        if upstream.status >= HTTPStatus.BAD_REQUEST:
            return Outcome.REJECTED if upstream.status < HTTPStatus.INTERNAL_SERVER_ERROR else Outcome.UPSTREAM_ERROR
        if count.failed:
            return Outcome.BROKEN
        ended = self._clock()
        first_token = began if streaming else ended
        self._metrics.answered(self._ask, first_token - self._ask.arrived_at, ended - first_token, count.tokens)
        return Outcome.COMPLETED

    async def _broken(self) -> Outcome:
        await self.break_off(ApiError(502, "The replica broke off in the middle of its answer.", "upstream_broken"))
        return Outcome.BROKEN

    def _pass_on(self, overloaded: _OverloadedError) -> web.Response:
        """The answer of the last replica that was too busy."""
        self.outcome = Outcome.UNAVAILABLE
        return web.Response(
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            body=overloaded.body,
            headers={
                "Content-Type": overloaded.content_type or "application/json",
                "Retry-After": overloaded.retry_after or str(self._settings.retry_after),
            },
        )

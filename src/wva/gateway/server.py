"""The gateway as a server: what clients may ask, and what the rest of the fleet tells it and asks it."""

import errno
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from wva.fleet.errors import UserError
from wva.fleet.readings import LoadReading
from wva.gateway.ask import (
    FAIRNESS_HEADER,
    OBJECTIVE_HEADER,
    Ask,
    BadRequestError,
    Flow,
    parse_body,
    prefixes,
    prompt_tokens,
)
from wva.gateway.backend import Backend, BackendState
from wva.gateway.connections import Connections
from wva.gateway.errors import ApiError, RefusalError
from wva.gateway.forward import Forwarder
from wva.gateway.metrics import GatewayMetrics
from wva.gateway.pool import ModelPool
from wva.gateway.settings import GatewaySettings, ServedModel
from wva.gateway.tally import Tally

OnHold = Callable[[str], None]
"""Told the model, the moment a request for it must be held; called in the event loop, so it must return at once."""


class Gateway:
    """One OpenAI-compatible endpoint for all models."""

    def __init__(
        self,
        models: Sequence[ServedModel],
        settings: GatewaySettings | None = None,
        on_hold: OnHold | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make one that serves nothing yet.

        ``models`` are all that clients may ask for; none has a replica until ``place``. ``clock`` gives monotonic
        seconds, ``clock_speed`` of the settings times as fast as the wall's.
        """
        self.settings = settings or GatewaySettings()
        self.registry = CollectorRegistry()
        """What ``/metrics`` shows; others in this process may add to it."""
        self._on_hold = on_hold
        self._clock = clock
        self._created = int(time.time())
        self._pools: dict[str, ModelPool] = {}
        self._metrics = GatewayMetrics(self.registry, self._pools, self.settings.pool)
        for model in models:
            self._metrics.show(model)
            self._pools[model.name] = ModelPool(model, self.settings, clock, self._held, self._metrics.forget)
        self._connections = Connections(self.settings.connect_timeout)
        self._forwarder = Forwarder(self._connections, self.settings, self._metrics, clock)
        self._runner: web.AppRunner | None = None
        self._closing = False

    async def start(self, host: str, port: int) -> str:
        """Listen, on a free port where ``port`` is 0; return the base of the gateway's addresses.

        Raises:
            UserError: The address cannot be listened on.

        """
        runner = self._runner = web.AppRunner(
            self._application(),
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=self.settings.stop_timeout,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
        except OSError as error:
            await self.stop()
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise UserError(f"gateway: {host}:{port} {reason}; choose another address or port") from None
        bound = runner.addresses[0]
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        return f"http://{shown}:{bound[1]}"

    async def stop(self) -> None:
        """Take nothing new, turn away what is held, cut off what does not end within ``stop_timeout``, and close."""
        self._closing = True
        for pool in self._pools.values():
            pool.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._connections.close()

    def place(self, model: str, backends: Sequence[Backend]) -> None:
        """Make these the replicas of a model, in place of all before.

        One that is left out takes nothing new and finishes what it has. Raises ``KeyError`` for an unknown model and
        ``ValueError`` where an instance is there twice.
        """
        if len({backend.instance for backend in backends}) < len(backends):
            raise ValueError(f"an instance of {model} is placed twice")
        self._pools[model].place(backends)

    def read(self, instance: str, reading: LoadReading) -> None:
        """Take in what an instance reported. One that is unknown here is passed over: it may just have gone."""
        for pool in self._pools.values():
            pool.read(instance, reading)

    def in_flight(self, instance: str) -> int:
        """Requests that were sent to an instance and have not ended."""
        state = self._find(instance)
        return 0 if state is None else state.in_flight

    async def idle(self, instance: str) -> None:
        """Return as soon as an instance has no request."""
        state = self._find(instance)
        if state is not None:
            await state.idle.wait()

    def tally(self, model: str) -> Tally:
        """What became of all requests for a model so far. Raises ``KeyError`` for an unknown model."""
        return replace(self._metrics.tallies[model])

    def in_flight_of(self, model: str) -> int:
        """Requests for a model that were sent and have not ended. Raises ``KeyError`` for an unknown model."""
        return self._pools[model].in_flight

    def queued(self, model: str) -> int:
        """Requests for a model that are held. Raises ``KeyError`` for an unknown model."""
        return len(self._pools[model].queue)

    def _find(self, instance: str) -> BackendState | None:
        found = (pool.find(instance) for pool in self._pools.values())
        return next((state for state in found if state is not None), None)

    def _held(self, model: str) -> None:
        if self._on_hold is not None:
            self._on_hold(model)

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=self.settings.max_body_bytes, middlewares=[_in_api_shape])
        application.router.add_get("/health", self._health)
        application.router.add_get("/metrics", self._show_metrics)
        application.router.add_get("/v1/models", self._list_models)
        application.router.add_get("/v1/models/{model:.+}", self._show_model)
        application.router.add_post("/v1/{path:.+}", self._serve)
        return application

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE if self._closing else HTTPStatus.OK)

    async def _show_metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self.registry), headers={"Content-Type": content_type})

    async def _list_models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [self._model(name) for name in self._pools]})

    async def _show_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        return web.json_response(self._model(name)) if name in self._pools else _response(_unknown_model(name))

    def _model(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self._created, "owned_by": "wva"}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        arrived_at = self._clock()
        body = await self._read(request)
        try:
            data = parse_body(body)
        except BadRequestError as bad:
            return _response(bad.error)
        pool = self._pools.get(data["model"])
        if pool is None:
            return _response(_unknown_model(data["model"]))
        ask = Ask(
            model=pool.model.name,
            priority=self._priority(request, pool),
            flow=Flow(
                request.headers.get(FAIRNESS_HEADER), request.headers.get("Authorization") or request.remote or ""
            ),
            size=len(body),
            prompt_tokens=prompt_tokens(data, len(body)),
            prefixes=prefixes(data) if self.settings.affinity_limit is not None else (),
            streaming=data.get("stream") is True,
            arrived_at=arrived_at,
        )
        del data
        self._metrics.arrived(ask)
        try:
            return await self._forwarder.serve(pool, ask, request, body)
        except RefusalError as refusal:
            return _response(refusal.error, refusal.retry_after)

    async def _read(self, request: web.Request) -> bytes:
        limit = self.settings.max_body_bytes
        if (request.content_length or 0) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, request.content_length or 0)
        return await request.read()

    def _priority(self, request: web.Request, pool: ModelPool) -> int:
        objective = request.headers.get(OBJECTIVE_HEADER, "")
        return self.settings.objectives.get(objective, pool.model.priority)


@web.middleware
async def _in_api_shape(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what goes wrong before a model is known as the API does."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return _response(ApiError(413, "The body is too large.", "body_too_large"))
    except web.HTTPNotFound:
        return _response(ApiError(404, f"There is no {request.method} {request.path}.", "not_found"))
    except web.HTTPMethodNotAllowed as wrong:
        answer = _response(ApiError(405, f"{request.path} does not take {request.method}.", "method_not_allowed"))
        answer.headers["Allow"] = ", ".join(sorted(wrong.allowed_methods))
        return answer


def _unknown_model(name: str) -> ApiError:
    return ApiError(404, f"The model `{name}` does not exist.", "model_not_found", "model")


def _response(error: ApiError, retry_after: int | None = None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.Response(status=error.status, body=error.body(), content_type="application/json", headers=headers)

"""Every other endpoint of vLLM that is emulated, and the emulator's own."""

import time
from importlib.metadata import version
from typing import Any

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from wva.emulator.answers import Answers
from wva.emulator.core import Core
from wva.emulator.errors import bad_request
from wva.emulator.faults import Faults, Garbage
from wva.emulator.protocol import TokenizeBody, check_model, conversation, parse
from wva.emulator.shape import json_response
from wva.emulator.tokens import tokenize

VLLM_VERSION = "0.32.0"
"""The vLLM that is emulated."""

_PAUSE_MODES = ("abort", "wait", "keep")
_GARBAGE_TEXT = "<html><body><h1>502 Bad Gateway</h1></body></html>\n"


class Routes:
    """Handlers of one server."""

    def __init__(self, core: Core) -> None:
        """All of them look at or change ``core``."""
        self._core = core
        self._answers = Answers(core)
        self._created = int(time.time())

    def table(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.post("/v1/completions", self._answers.completions),
            web.post("/v1/chat/completions", self._answers.chat_completions),
            web.get("/v1/models", self._models),
            web.get("/health", self._health),
            web.get("/ping", self._health),
            web.get("/version", self._version),
            web.post("/tokenize", self._tokenize),
            web.get("/load", self._load),
            web.get("/metrics", self._metrics),
            web.post("/sleep", self._sleep),
            web.post("/wake_up", self._wake_up),
            web.get("/is_sleeping", self._is_sleeping),
            web.post("/pause", self._pause),
            web.post("/resume", self._resume),
            web.get("/is_paused", self._is_paused),
            web.get("/emulator", self._emulator),
            web.get("/emulator/faults", self._faults),
            web.put("/emulator/faults", self._set_faults),
            web.patch("/emulator/faults", self._change_faults),
        ]

    async def _models(self, _: web.Request) -> web.Response:
        names, longest = self._core.limits.names, self._core.limits.max_model_len
        cards: list[dict[str, Any]] = [
            {
                "id": name,
                "object": "model",
                "created": self._created,
                "owned_by": "vllm",
                "root": self._core.settings.model,
                "parent": None,
                "max_model_len": longest,
                "permission": [],
            }
            for name in names
        ]
        return json_response({"object": "list", "data": cards})

    async def _health(self, _: web.Request) -> web.Response:
        # The process lives; whether it could answer anything is another question, as with vLLM.
        return web.Response()

    async def _version(self, _: web.Request) -> web.Response:
        return json_response({"version": VLLM_VERSION})

    async def _load(self, _: web.Request) -> web.Response:
        return json_response({"server_load": self._answers.load if self._core.settings.track_load else 0})

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = parse(TokenizeBody, await request.read())
        check_model(body.model, self._core.limits)
        if (body.prompt is None) == (body.messages is None):
            raise bad_request("give either prompt or messages", "prompt")
        text = conversation(body.messages) if body.messages is not None else body.prompt or ""
        tokens = tokenize(text, self._core.limits.vocabulary).tolist()
        count = {"count": len(tokens), "max_model_len": self._core.limits.max_model_len}
        return json_response({**count, "tokens": tokens, "token_strs": None})

    async def _metrics(self, _: web.Request) -> web.Response:
        self._core.driver.look()
        garbage = self._core.faults.metrics
        if garbage is Garbage.TEXT:
            return web.Response(text=_GARBAGE_TEXT, content_type="text/html")
        page = b"" if garbage is Garbage.EMPTY else generate_latest(self._core.registry)
        if garbage is Garbage.NAN:
            page = _without_numbers(page)
        # Always the plain format: asked for OpenMetrics the library may write the colons of names as underscores.
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    async def _sleep(self, request: web.Request) -> web.Response:
        level = request.query.get("level", "1")
        if level not in ("1", "2"):
            raise bad_request(f"level must be 1 or 2, not {level!r}", "level")
        self._core.control.sleep(int(level))
        return json_response({"status": "sleeping"})

    async def _wake_up(self, _: web.Request) -> web.Response:
        await self._core.control.wake_up()
        return json_response({"status": "awake"})

    async def _is_sleeping(self, _: web.Request) -> web.Response:
        return json_response({"is_sleeping": self._core.control.sleep_level is not None})

    async def _pause(self, request: web.Request) -> web.Response:
        mode = request.query.get("mode", "abort")
        if mode not in _PAUSE_MODES:
            raise bad_request(f"mode must be one of {', '.join(_PAUSE_MODES)}, not {mode!r}", "mode")
        await self._core.control.pause(mode)
        return json_response({"status": "paused"})

    async def _resume(self, _: web.Request) -> web.Response:
        self._core.control.resume()
        return json_response({"status": "resumed"})

    async def _is_paused(self, _: web.Request) -> web.Response:
        return json_response({"is_paused": self._core.control.paused})

    async def _emulator(self, _: web.Request) -> web.Response:
        late = self._core.driver.lateness
        schedule = {
            "steps": late.steps,
            "mean_late_ms": round(1e3 * late.sum_s / late.steps, 3) if late.steps else None,
            "max_late_ms": round(1e3 * late.max_s, 3) if late.steps else None,
        }
        seconds = round(self._core.clock.now(), 3)
        return json_response(
            {"emulator": version("wva"), "speed": self._core.settings.speed, "model_s": seconds, "schedule": schedule}
        )

    async def _faults(self, _: web.Request) -> web.Response:
        return json_response(self._core.faults.model_dump(mode="json"))

    async def _set_faults(self, request: web.Request) -> web.Response:
        return await self._put_in_force(parse(Faults, await request.read()), request)

    async def _change_faults(self, request: web.Request) -> web.Response:
        changed = parse(Faults, await request.read()).model_dump(exclude_unset=True)
        return await self._put_in_force(self._core.faults.model_copy(update=changed), request)

    async def _put_in_force(self, faults: Faults, request: web.Request) -> web.Response:
        self._core.set_faults(faults)
        return await self._faults(request)


def _without_numbers(page: bytes) -> bytes:
    """The same page, every value not a number."""
    lines = page.decode().splitlines()
    return "".join(
        f"{line}\n" if line.startswith("#") else f"{line.rsplit(' ', 1)[0]} NaN\n" for line in lines
    ).encode()

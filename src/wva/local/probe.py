"""Asking a replica for one token: the only way to know that it serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import aiohttp

from wva.local.schema import Probe

PATHS = {Probe.COMPLETIONS: "/v1/completions", Probe.CHAT: "/v1/chat/completions"}
REFUSALS = (429, 503)
"""What a server answers that has enough to do: vLLM's admission limits are 503."""
QUICK_S = 5.0
"""Seconds on the wall for what needs no engine."""
STEPS = (
    "vllm:iteration_tokens_total_count",
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
)
"""Counters that move with every step of an engine, whether or not a request ends."""
ASLEEP = 'sleep_state="awake"'
"""Label of the gauge ``vllm:engine_sleep_state`` that is 0 while a server was put to sleep."""


class Verdict(Enum):
    """What became of the request."""

    SERVED = "served"
    BUSY = "busy"
    """Refused by a server that says it has enough to do."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a replica answered."""

    verdict: Verdict
    text: str
    """What it was, in a few words, where it did not serve."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What a replica's metrics say of its engine."""

    steps: frozenset[str]
    """The lines of its step counters: others than before mean that it has stepped. Empty where it shows none."""
    asleep: bool
    """It was put to sleep, and holds requests in silence until somebody wakes it."""


class Prober:
    """Sends requests to replicas."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Use this session, which its owner closes."""
        self._session = session

    async def is_up(self, url: str, health: str) -> bool:
        """Whether the health address answers 200: the server listens. It says nothing of its engine."""
        try:
            async with self._session.get(url + health, timeout=aiohttp.ClientTimeout(QUICK_S)) as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def ask(self, url: str, probe: Probe, model: str) -> Answer:
        """Ask for one token and wait for it for as long as it takes."""
        try:
            async with self._session.post(
                url + PATHS[probe], json=_request(probe, model), timeout=aiohttp.ClientTimeout(total=None)
            ) as response:
                if response.status in REFUSALS:
                    return Answer(Verdict.BUSY, f"HTTP {response.status}")
                body = await _json(response)
        except (aiohttp.ClientError, OSError) as error:
            return Answer(Verdict.FAILED, " ".join(str(error).split()) or type(error).__name__)
        if response.status == 200 and body.get("choices"):
            return Answer(Verdict.SERVED, "")
        return Answer(Verdict.FAILED, _complaint(response.status, body))

    async def engine(self, url: str) -> Engine | None:
        """What the replica's metrics say; ``None`` where it gives none."""
        try:
            async with self._session.get(url + "/metrics", timeout=aiohttp.ClientTimeout(QUICK_S)) as response:
                if response.status != 200:
                    return None
                lines = (await response.text(errors="replace")).splitlines()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        states = [line for line in lines if line.startswith("vllm:engine_sleep_state") and ASLEEP in line]
        return Engine(
            steps=frozenset(line for line in lines if line.startswith(STEPS)),
            asleep=bool(states) and all(line.rpartition(" ")[2] in ("0", "0.0") for line in states),
        )


def _request(probe: Probe, model: str) -> Mapping[str, Any]:
    asked: dict[str, Any] = {"model": model, "max_tokens": 1}
    if probe is Probe.CHAT:
        return {**asked, "messages": [{"role": "user", "content": "Hi"}]}
    return {**asked, "prompt": "Hi"}


async def _json(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """The body as an object; empty where it is none."""
    try:
        body = await response.json(content_type=None)
    except (ValueError, aiohttp.ClientPayloadError):
        return {}
    return body if isinstance(body, dict) else {}


def _complaint(status: int, body: Mapping[str, Any]) -> str:
    error = body.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return f"HTTP {status}: {message}" if isinstance(message, str) else f"HTTP {status} without an answer"

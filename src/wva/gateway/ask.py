"""What a request asks for: read from its body once, which goes to the replica as it came."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from wva.decide.trust import BYTES_PER_TOKEN
from wva.gateway.affinity import LEADING_BYTES, prefix_hashes
from wva.gateway.errors import ApiError

OBJECTIVE_HEADER = "x-llm-d-inference-objective"
FAIRNESS_HEADER = "x-llm-d-inference-fairness-id"


class BadRequestError(Exception):
    """The body is none that can be routed."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Flow:
    """Whose requests take turns with those of others."""

    fairness_id: str | None
    """What the client named in ``x-llm-d-inference-fairness-id``."""
    client: str
    """Its credentials, or its address where it has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """A request on its way."""

    model: str
    priority: int
    """Higher goes first."""
    flow: Flow
    size: int
    """Bytes of the body."""
    prompt_tokens: float
    """Exact where the prompt is token ids, else from the size of the body."""
    prefixes: tuple[bytes, ...]
    """Hashes of the beginnings of the prompt, the shortest first."""
    streaming: bool
    arrived_at: float
    """Seconds of the gateway's clock."""


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a body, with a model that is text.

    Raises:
        BadRequestError: It is none.

    """
    try:
        data = from_json(body, cache_strings="keys")
    except ValueError as error:
        raise BadRequestError(ApiError(400, f"The body is not valid JSON: {error}", "invalid_json")) from None
    if not isinstance(data, dict):
        raise BadRequestError(ApiError(400, "The body must be a JSON object.", "invalid_json"))
    if not isinstance(data.get("model"), str):
        raise BadRequestError(ApiError(400, "model must be the name of a model.", "missing_model", "model"))
    return data


def prompt_tokens(data: Mapping[str, Any], size: int) -> float:
    """Tokens of the prompt: exact where it is token ids, else guessed from the size of the body."""
    prompt = data.get("prompt")
    if isinstance(prompt, list) and prompt and isinstance(prompt[0], int):
        return float(len(prompt))
    return size / BYTES_PER_TOKEN


def prefixes(data: Mapping[str, Any]) -> tuple[bytes, ...]:
    """Hashes of the beginnings of the prompt."""
    return prefix_hashes(data["model"], _leading(data))


def _leading(data: Mapping[str, Any]) -> bytes:
    """The beginning of the prompt, in a form that is equal where the tokens are."""
    prompt = data.get("prompt")
    if isinstance(prompt, str):
        return prompt[:LEADING_BYTES].encode(errors="replace")
    if isinstance(prompt, list):
        # Every token id takes a byte at least.
        return repr(prompt[:LEADING_BYTES]).encode(errors="replace")
    messages = data.get("messages")
    parts: list[bytes] = []
    length = 0
    for message in messages if isinstance(messages, list) else ():
        part = repr(message).encode(errors="replace")
        parts.append(part)
        length += len(part)
        if length >= LEADING_BYTES:
            break
    return b"".join(parts)

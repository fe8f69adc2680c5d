"""Requests of the OpenAI API as vLLM takes them, checked and reduced to what the emulator needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wva.emulator.answer import Sampling
from wva.emulator.errors import bad_request, unknown_model
from wva.emulator.tokens import count_tokens, tokenize

_COMPLETION_MAX_TOKENS = 16
"""vLLM's, and OpenAI's, default for a plain completion."""

Body = TypeVar("Body", bound=BaseModel)


class _StreamOptions(BaseModel):
    include_usage: bool = False
    continuous_usage_stats: bool = False


class _Common(BaseModel):
    """What both kinds of request share; fields that change nothing here are let through."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    n: int = Field(default=1, ge=1)
    stream: bool = False
    stream_options: _StreamOptions | None = None
    stop: str | list[str] | None = None
    include_stop_str_in_output: bool = False
    seed: int | None = None
    ignore_eos: bool = False
    min_tokens: int = Field(default=0, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)


class CompletionBody(_Common):
    """Body of /v1/completions."""

    prompt: str | list[int] | list[str] | list[list[int]]
    echo: bool = False
    suffix: str | None = None
    logprobs: int | None = None


class Message(BaseModel):
    """One message of a conversation."""

    role: str
    content: str | list[dict[str, Any]] | None = None


class ChatBody(_Common):
    """Body of /v1/chat/completions."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = False


class TokenizeBody(BaseModel):
    """Body of /tokenize."""

    model: str | None = None
    prompt: str | None = None
    messages: list[Message] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What prompts are checked against."""

    names: tuple[str, ...]
    max_model_len: int
    longest_prompt: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for answers."""

    chat: bool
    prompts: Sequence[NDArray[np.uint32]]
    """Token ids of each prompt."""
    n: int
    """Answers to each."""
    sampling: Sequence[Sampling]
    """One for each prompt."""
    stream: bool
    include_usage: bool
    continuous_usage: bool
    """Whether every chunk says the usage so far."""


def parse(body: type[Body], data: bytes) -> Body:
    """Read a request's JSON. Raises ``ApiError`` (400) where it is malformed or a field is wrong."""
    try:
        return body.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise bad_request(f"{place}: {first['msg']}" if place else first["msg"], place or None) from None


def completion(data: bytes, limits: Limits) -> Ask:
    """The request of a body of /v1/completions. Raises ``ApiError``."""
    body = parse(CompletionBody, data)
    check_model(body.model, limits)
    for name, wanted in (("echo", body.echo), ("suffix", body.suffix), ("logprobs", body.logprobs is not None)):
        if wanted:
            raise bad_request(f"{name} is not emulated", name)
    prompts = [_prompt_tokens(prompt, limits) for prompt in _prompts(body.prompt)]
    if not prompts:
        raise bad_request("prompt must not be empty", "prompt")
    asked = _COMPLETION_MAX_TOKENS if body.max_tokens is None else body.max_tokens
    return _ask(body, prompts, [_allowed(asked, len(prompt), limits) for prompt in prompts], chat=False)


def chat_completion(data: bytes, limits: Limits) -> Ask:
    """The request of a body of /v1/chat/completions. Raises ``ApiError``."""
    body = parse(ChatBody, data)
    check_model(body.model, limits)
    if body.logprobs:
        raise bad_request("logprobs is not emulated", "logprobs")
    prompt = _prompt_tokens(conversation(body.messages), limits)
    asked = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    rest = limits.max_model_len - len(prompt)
    return _ask(body, [prompt], [rest if asked is None else _allowed(asked, len(prompt), limits)], chat=True)


def check_model(name: str | None, limits: Limits) -> None:
    """Refuse a model that is not served; none at all is the one that is. Raises ``ApiError`` (404)."""
    if name and name not in limits.names:
        raise unknown_model(name)


def conversation(messages: Sequence[Message]) -> str:
    """The text that the model sees of a conversation: a plain chat template, longer by every turn at its end only."""
    turns = [f"<|{message.role}|>\n{_content(message)}\n" for message in messages]
    return "".join(turns) + "<|assistant|>\n"


def _content(message: Message) -> str:
    if not isinstance(message.content, list):
        return message.content or ""
    for part in message.content:
        if part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise bad_request(f"{part.get('type')!r} parts cannot be taken: this is not a multimodal model", "messages")
    return "".join(part["text"] for part in message.content)


def _prompts(prompt: str | list[int] | list[str] | list[list[int]]) -> Sequence[str | list[int]]:
    if isinstance(prompt, str):
        return [prompt]
    if prompt and isinstance(prompt[0], int):
        return [prompt]
    return cast(Sequence[str | list[int]], prompt)


def _prompt_tokens(prompt: str | list[int], limits: Limits) -> NDArray[np.uint32]:
    # Counted first: a prompt of many megabytes is not worth turning into tokens only to be refused.
    length = count_tokens(prompt) if isinstance(prompt, str) else len(prompt)
    if length == 0:
        raise bad_request("The decoder prompt cannot be empty", "prompt")
    if length > limits.longest_prompt:
        raise bad_request(
            f"This model's maximum context length is {limits.max_model_len} tokens. However, your request has {length} "
            "input tokens. Please reduce the length of the input messages.",
            "input_tokens",
        )
    if isinstance(prompt, str):
        return tokenize(prompt, limits.vocabulary)
    if min(prompt) < 0 or max(prompt) >= limits.vocabulary:
        wrong = next(token for token in prompt if not 0 <= token < limits.vocabulary)
        raise bad_request(f"Token id {wrong} is out of vocabulary", "prompt")
    return np.array(prompt, np.uint32)


def _allowed(asked: int, prompt_tokens: int, limits: Limits) -> int:
    if prompt_tokens + asked > limits.max_model_len:
        raise bad_request(
            f"This model's maximum context length is {limits.max_model_len} tokens. However, you requested {asked} "
            f"output tokens and your prompt contains {prompt_tokens} input tokens. Please reduce the length of the "
            "input prompt or the number of requested output tokens.",
            "max_tokens",
        )
    return asked


def _ask(body: _Common, prompts: Sequence[NDArray[np.uint32]], most: Sequence[int], *, chat: bool) -> Ask:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    if "" in stop:
        raise bad_request("stop cannot contain an empty string", "stop")
    if body.min_tokens > min(most):
        raise bad_request(f"min_tokens must be at most max_tokens={min(most)}, got {body.min_tokens}", "min_tokens")
    if body.stream_options is not None and not body.stream:
        raise bad_request("Stream options can only be defined when `stream=True`.", "stream_options")
    options = body.stream_options or _StreamOptions()
    sampling = [
        Sampling(
            max_tokens=tokens,
            min_tokens=body.min_tokens,
            ignore_eos=body.ignore_eos,
            stop=stop,
            include_stop=body.include_stop_str_in_output,
            seed=body.seed,
        )
        for tokens in most
    ]
    return Ask(
        chat=chat,
        prompts=prompts,
        n=body.n,
        sampling=sampling,
        stream=body.stream,
        include_usage=options.include_usage,
        continuous_usage=options.continuous_usage_stats,
    )

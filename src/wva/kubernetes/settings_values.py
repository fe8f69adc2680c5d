"""The values that static settings can have, and how each is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from wva.fleet.catalogue import accelerator
from wva.fleet.errors import UserError
from wva.fleet.inventory import Supply
from wva.scenario.duration import Duration

_DEBUG_VERBOSITY = 3
"""From which number on the reference logs what is for debugging."""


class MetricsSource(StrEnum):
    """Who measures the fleet."""

    PROMETHEUS = "prometheus"
    """A Prometheus server, which is asked."""
    DIRECT = "direct"
    """The controller itself scrapes the pods."""


class LogLevel(StrEnum):
    """What is logged: this and what is worse."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    """Empty is every address of the machine."""
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def _address(value: object) -> object:
    """``:8443``, ``127.0.0.1:8443`` or ``[::1]:8443``; ``0`` is no server."""
    text = str(value)
    if isinstance(value, Address) or text == "0":
        return value if isinstance(value, Address) else None
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise ValueError("must be an address such as :8443, or 0 for none")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _level(value: object) -> object:
    text = str(value).lower()
    if text.isdecimal():
        return LogLevel.DEBUG if int(text) >= _DEBUG_VERBOSITY else LogLevel.INFO
    return {"warn": "warning", "trace": "debug"}.get(text, text)


def _pools(value: object) -> object:
    """The mapping of an environment variable is YAML, or JSON; a promise without figures may be a word."""
    if isinstance(value, str):
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            value = None
    if not isinstance(value, dict):
        raise ValueError("must be a mapping such as {H100-80GB: {supply: elastic, limit_gpus: 64}, default: fixed}")
    return {_pool_name(name): {"supply": said} if isinstance(said, str) else said for name, said in value.items()}


def _pool_name(name: object) -> str:
    try:
        return "default" if name == "default" else accelerator(str(name)).name
    except UserError as error:
        raise ValueError(str(error)) from None


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("must be longer than 0s")
    return seconds


def _a_second(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("must be 1s or longer")
    return seconds


class PoolSpec(BaseModel):
    """What is promised of the nodes of one accelerator."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    supply: Supply
    limit_gpus: Annotated[int, Field(ge=1)] | None = None
    """Of an elastic pool: GPUs that there may be."""
    node_gpus: Annotated[int, Field(ge=1)] | None = None
    """GPUs of a node that is ordered; without it, of the largest that is there."""


Listen = Annotated[Address | None, BeforeValidator(_address)]
Span = Annotated[Duration, AfterValidator(_positive)]
Level = Annotated[LogLevel, BeforeValidator(_level)]
PerMinute = Annotated[int, Field(ge=1)] | None
Interval = Annotated[Duration, AfterValidator(_a_second)]
PoolSpecs = Annotated[Mapping[str, PoolSpec], BeforeValidator(_pools)]

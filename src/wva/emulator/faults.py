"""What can be made to go wrong, by options or while the server runs."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Hang(StrEnum):
    """What stands still."""

    ENGINE = "engine"
    """No step begins any more; HTTP, /health and /metrics still answer, as when a GPU hangs."""
    SERVER = "server"
    """Nothing but the emulator's own endpoint answers any request; connections are accepted."""


class Garbage(StrEnum):
    """What /metrics shows instead of metrics."""

    NAN = "nan"
    """Every value is not a number."""
    TEXT = "text"
    """A page that is no exposition format."""
    EMPTY = "empty"
    """Nothing, with status 200."""


class Faults(BaseModel):
    """The faults in force; the default is none. Times are the modelled server's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slow_tokens: float = Field(default=1.0, gt=0.0, le=1e6, allow_inf_nan=False)
    """Factor on the duration of every step."""
    hang: Hang | None = None
    error_rate: float = Field(default=0.0, ge=0.0, le=1.0)
    """Part of requests that end with an error: in the stream under HTTP 200, or as HTTP 500 without streaming."""
    error_after_tokens: int = Field(default=1, ge=0)
    """Tokens that such an answer gets before."""
    metrics: Garbage | None = None
    crash_after_s: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    """The process ends so many seconds from when this was set, or from when it was up, with no goodbye to clients."""
    crash_after_requests: int | None = Field(default=None, ge=1)
    """The process ends with the first token of the request of that number, counted from when it was up."""

"""What goes wrong with a request, in the shape that clients of the OpenAI API read."""

import json
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a request ended."""

    COMPLETED = "completed"
    REJECTED = "rejected"
    """The replica found the request wrong, with a status of 400 to 499."""
    QUEUE_FULL = "queue_full"
    QUEUE_TIMEOUT = "queue_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    TOTAL_TIMEOUT = "total_timeout"
    UNAVAILABLE = "unavailable"
    """No replica took it: nobody listens there, all answer 503, or the gateway is closing."""
    UPSTREAM_ERROR = "upstream_error"
    """The replica answered with another status from 500 on, or not at all."""
    BROKEN = "broken"
    """The answer had begun and then broke off or brought an error."""
    CANCELLED = "cancelled"
    """The client left."""


class ErrorCode(StrEnum):
    """Values of the label ``error_code``, those of llm-d's router where it has the case (``pkg/epp/util/error``)."""

    BAD_REQUEST = "BadRequest"
    RESOURCE_EXHAUSTED = "InferencePoolResourceExhausted"
    SERVICE_UNAVAILABLE = "ServiceUnavailable"
    MODEL_SERVER_ERROR = "ModelServerError"
    TIMEOUT = "Timeout"


ERROR_CODES = {
    Outcome.REJECTED: ErrorCode.BAD_REQUEST,
    Outcome.QUEUE_FULL: ErrorCode.RESOURCE_EXHAUSTED,
    Outcome.QUEUE_TIMEOUT: ErrorCode.SERVICE_UNAVAILABLE,
    Outcome.FIRST_TOKEN_TIMEOUT: ErrorCode.TIMEOUT,
    Outcome.TOTAL_TIMEOUT: ErrorCode.TIMEOUT,
    Outcome.UNAVAILABLE: ErrorCode.SERVICE_UNAVAILABLE,
    Outcome.UPSTREAM_ERROR: ErrorCode.MODEL_SERVER_ERROR,
    Outcome.BROKEN: ErrorCode.MODEL_SERVER_ERROR,
}
"""The outcomes that count as errors; a client that leaves makes none."""

_KINDS = {400: "invalid_request_error", 404: "invalid_request_error", 405: "invalid_request_error"}
_KINDS |= {413: "invalid_request_error", 429: "rate_limit_error"}


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error as a client gets it."""

    status: int
    message: str
    code: str
    """Short and stable, for programs."""
    param: str | None = None
    """The field of the request that is wrong."""

    def body(self) -> bytes:
        """The JSON document."""
        kind = _KINDS.get(self.status, "server_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode()


class RefusalError(Exception):
    """A request that gets no answer but an error."""

    def __init__(self, outcome: Outcome, error: ApiError, retry_after: int | None = None) -> None:
        """``retry_after`` is in whole seconds, for those who may come again."""
        super().__init__(error.message)
        self.outcome = outcome
        self.error = error
        self.retry_after = retry_after

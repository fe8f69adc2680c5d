"""Errors in vLLM's shape."""

from http import HTTPStatus
from typing import Any


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, message: str, status: HTTPStatus, kind: str, param: str | None = None) -> None:
        """``kind`` is the error's ``type`` and ``param`` the field of the request that it is about."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param

    def body(self) -> dict[str, Any]:
        """What the client gets, as a response or in its stream."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": int(self.status)}
        return {"error": error}


def bad_request(message: str, param: str | None = None) -> ApiError:
    """The client's mistake."""
    return ApiError(message, HTTPStatus.BAD_REQUEST, "BadRequestError", param)


def unknown_model(name: str) -> ApiError:
    """A model that is not served here."""
    return ApiError(f"The model `{name}` does not exist.", HTTPStatus.NOT_FOUND, "NotFoundError", "model")


def engine_failed(message: str = "EngineCore encountered an issue.") -> ApiError:
    """The answer cannot be finished."""
    return ApiError(message, HTTPStatus.INTERNAL_SERVER_ERROR, "InternalServerError")


def shutting_down() -> ApiError:
    """What a draining vLLM says to a new request."""
    return engine_failed("cannot schedule new futures after shutdown")


def too_busy(message: str) -> ApiError:
    """An admission limit is reached."""
    return ApiError(message, HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailableError")

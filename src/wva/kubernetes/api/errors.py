"""What the API server refuses, and that it is not reached."""

from wva.fleet.errors import UserError

NOT_FOUND, CONFLICT, FORBIDDEN, GONE, INVALID, TOO_MANY = 404, 409, 403, 410, 422, 429


class ApiError(UserError):
    """A request that came to nothing. Its text says what was asked and what was answered, in one line."""

    def __init__(self, message: str, code: int | None, reason: str = "") -> None:
        """``code`` is the HTTP status, ``None`` where no answer came, so that nobody knows whether it was done."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        """One word of the API server's, such as ``AlreadyExists``; empty where it says none."""

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.code == NOT_FOUND

    @property
    def conflict(self) -> bool:
        """Whether it was changed meanwhile, or is there already."""
        return self.code == CONFLICT

    @property
    def forbidden(self) -> bool:
        """Whether the rights do not suffice."""
        return self.code == FORBIDDEN

    @property
    def invalid(self) -> bool:
        """Whether the object, as it would be then, is not as its kind is to be."""
        return self.code == INVALID

    @property
    def expired(self) -> bool:
        """Whether a list or a watch has to begin anew: the version to go on from is too old."""
        return self.code == GONE

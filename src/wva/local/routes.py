"""What a body tells the gateway, and asks of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wva.control.seams import Endpoint


@dataclass(frozen=True, slots=True)
class Backend:
    """A replica that a model's requests can be at."""

    endpoint: Endpoint
    draining: bool
    """It takes no new requests, and ends those that it has."""


class Routes(Protocol):
    """Where requests go. Both calls return at once."""

    def place(self, model: str, backends: Sequence[Backend]) -> None:
        """From now on these replicas serve the model, and no others; one that is missing is gone."""

    def in_flight(self, instance: str) -> int:
        """Requests that were sent to an instance and have not ended; 0 for one that is not known."""

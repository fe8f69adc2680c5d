"""What people tell the loop to do otherwise than it would."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wva.record.column import column


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders in force. They outlive the process."""

    paused: bool = False
    """Decide and record, but carry nothing out."""
    pins: Mapping[str, int] = field(default_factory=dict)
    """Replicas that a variant is held at, by its name. The policy sees them as its minimum and maximum, and plans the
    other variants around it."""


def encode_orders(orders: Orders) -> str:
    """The orders as JSON."""
    return column(Orders).encode(orders).decode()


def decode_orders(document: str) -> Orders:
    """The orders from JSON. Raises ``ValueError`` where it holds none."""
    orders: Orders = column(Orders).decode(document.encode())
    return orders

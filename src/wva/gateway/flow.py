"""A bounded, fair queue of one model's requests: higher priority first, and inside a priority the clients in turn."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from wva.gateway.ask import Flow


class Item(Protocol):
    """What can be held."""

    @property
    def priority(self) -> int:
        """Higher goes first."""

    @property
    def flow(self) -> Flow:
        """Whom it belongs to: those of one priority take turns."""

    @property
    def size(self) -> int:
        """Bytes of its body."""

    @property
    def arrived_at(self) -> float:
        """When it came, in seconds."""


T = TypeVar("T", bound=Item)


@dataclass(frozen=True, slots=True)
class FlowSize:
    """What one flow has in the queue."""

    priority: int
    flow: Flow
    requests: int
    size: int
    """Bytes."""


class _Band(Generic[T]):
    """The requests of one priority, by flow in the order of their turns."""

    def __init__(self) -> None:
        self.flows: OrderedDict[Flow, deque[T]] = OrderedDict()
        self.requests = 0
        self.size = 0


class FairQueue(Generic[T]):
    """Requests that wait for a replica."""

    def __init__(self, max_requests: int, max_bytes: int) -> None:
        """The bounds hold for each priority."""
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._bands: dict[int, _Band[T]] = {}

    def __len__(self) -> int:
        return sum(band.requests for band in self._bands.values())

    def has_room(self, item: T) -> bool:
        """Whether one more fits; into an empty band a request fits whatever its size."""
        band = self._bands.get(item.priority)
        if band is None:
            return self._max_requests > 0
        return band.requests < self._max_requests and band.size + item.size <= self._max_bytes

    def push(self, item: T) -> None:
        """Put an item into its flow, by its arrival: one that was taken out too early gets its old place."""
        band = self._bands.setdefault(item.priority, _Band())
        line = band.flows.setdefault(item.flow, deque())
        place = len(line)
        while place and line[place - 1].arrived_at > item.arrived_at:
            place -= 1
        line.insert(place, item)
        band.requests += 1
        band.size += item.size

    def peek(self) -> T | None:
        """Whose turn it is."""
        if not self._bands:
            return None
        band = self._bands[max(self._bands)]
        return next(iter(band.flows.values()))[0]

    def pop(self) -> T:
        """Take out whose turn it is; the next turn in that priority is another flow's."""
        item = self.peek()
        if item is None:
            raise IndexError("the queue is empty")
        self._take(item)
        flows = self._bands[item.priority].flows if item.priority in self._bands else None
        if flows is not None and item.flow in flows:
            flows.move_to_end(item.flow)
        return item

    def discard(self, item: T) -> None:
        """Take out an item that waits no longer, if it is still held."""
        band = self._bands.get(item.priority)
        if band is not None and item in band.flows.get(item.flow, ()):
            self._take(item)

    def flows(self) -> Iterator[FlowSize]:
        """What each flow has in the queue."""
        for priority, band in self._bands.items():
            for flow, line in band.flows.items():
                yield FlowSize(priority, flow, len(line), sum(item.size for item in line))

    def _take(self, item: T) -> None:
        band = self._bands[item.priority]
        line = band.flows[item.flow]
        if line[0] is item:
            line.popleft()
        else:
            line.remove(item)
        band.requests -= 1
        band.size -= item.size
        if not line:
            del band.flows[item.flow]
        if not band.flows:
            del self._bands[item.priority]

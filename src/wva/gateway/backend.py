"""A replica behind the gateway: what is known of it, and exactly how many requests it has."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from wva.engine.routing import busy_s, has_room
from wva.engine.server import BLOCK_TOKENS
from wva.fleet.readings import LoadReading
from wva.gateway.settings import GatewaySettings, Queue


@dataclass(frozen=True, slots=True)
class Backend:
    """One engine instance that requests can be sent to."""

    instance: str
    """Unique among all backends of a gateway."""
    variant: str
    url: str
    """Base of its addresses, such as ``http://127.0.0.1:8101``."""
    cost_s: float
    """Seconds that an average request takes there: what a variant with slower hardware has more of."""
    takes_new: bool = True
    """False while it drains or sleeps."""
    prompt_token_s: float = 0.0
    """Seconds that a token of a long prompt takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Sent:
    """A request that a backend has."""

    at: float
    """When it was sent, in seconds of the gateway's clock."""
    prompt_tokens: float


class BackendState:
    """A backend, the requests that it has and its newest reading."""

    def __init__(self, backend: Backend, settings: GatewaySettings, clock: Callable[[], float]) -> None:
        """``clock`` gives monotonic seconds."""
        self.backend = backend
        self._settings = settings
        self._clock = clock
        self._sent: set[Sent] = set()
        self._unseen: set[Sent] = set()
        """Those that no reading has yet."""
        self._unseen_tokens = 0.0
        self._silent: set[Sent] = set()
        """Those whose answer has not begun."""
        self._others = math.inf
        """Requests that it had at its last reading from elsewhere; without limit where that is unknown."""
        self._reading: LoadReading | None = None
        self._asked_at = clock()
        self._refused_until = self._asked_at
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Requests that were sent to it and have not ended."""
        return len(self._sent)

    @property
    def idle(self) -> asyncio.Event:
        """Set while it has no request."""
        return self._idle

    def send(self, prompt_tokens: float) -> Sent:
        """Count a request that is being sent, until ``end`` is told."""
        sent = Sent(self._clock(), prompt_tokens)
        self._sent.add(sent)
        self._unseen.add(sent)
        self._silent.add(sent)
        self._unseen_tokens += prompt_tokens
        self._idle.clear()
        return sent

    def answering(self, sent: Sent) -> None:
        """The answer to a request has begun, so it waits no longer."""
        self._silent.discard(sent)

    def end(self, sent: Sent) -> None:
        """Count a request no longer, however it ended."""
        self._sent.discard(sent)
        self._silent.discard(sent)
        if sent in self._unseen:
            self._unseen.remove(sent)
            self._unseen_tokens -= sent.prompt_tokens
        if not self._sent:
            self._idle.set()

    def read(self, reading: LoadReading) -> None:
        """Take in a reading, unless a newer one is here."""
        asked_at = self._clock() - reading.age_s
        if self._reading is not None and asked_at < self._asked_at:
            return
        self._reading, self._asked_at = reading, asked_at
        self._unseen = {sent for sent in self._sent if sent.at >= asked_at}
        self._unseen_tokens = sum(sent.prompt_tokens for sent in self._unseen)
        self._others = math.inf
        if reading.running is not None and reading.waiting is not None:
            self._others = max(0.0, reading.running + reading.waiting - (len(self._sent) - len(self._unseen)))

    def refused(self) -> None:
        """Send it nothing new for a while: nobody listens there."""
        self._refused_until = self._clock() + self._settings.refused_pause

    @property
    def listed(self) -> bool:
        """Whether it takes new requests at all."""
        return self.backend.takes_new and self._clock() >= self._refused_until

    def takes(self) -> bool:
        """Whether it may get a request now."""
        if not self.listed:
            return False
        settings = self._settings
        if settings.queue is not Queue.GATEWAY or self._stale():
            return True
        blocks, kv_blocks = self._blocks(0.0)
        most = float("inf") if settings.hold_above_kv is None else settings.hold_above_kv
        unseen = len(self._unseen & self._silent)
        read = (self._reading.waiting if self._reading is not None else None) or 0.0
        # What waited when it was last read waits no longer once its answer has begun.
        waiting = min(read, len(self._silent) - unseen + self._others)
        return has_room(waiting, unseen, blocks, kv_blocks, settings.hold_above, most)

    def load_s(self, prompt_tokens: float, full_load_s: float) -> float:
        """How long it looks to be busy before it has answered one more request, in seconds."""
        blocks, kv_blocks = self._blocks(prompt_tokens)
        backend = self.backend
        return busy_s(
            self.in_flight + 1,
            backend.cost_s,
            blocks,
            kv_blocks,
            full_load_s,
            self._blocked(),
            prompt_tokens * backend.prompt_token_s,
        )

    def _stale(self) -> bool:
        return self._clock() - self._asked_at > self._settings.reading_max_age

    def _blocked(self) -> bool:
        if self._reading is None or self._stale():
            return False
        short = self._reading.waiting_for_capacity
        return bool(self._reading.waiting if short is None else short)

    def _blocks(self, prompt_tokens: float) -> tuple[float, float]:
        """Blocks of KV cache in use, as last read, with the prompts that no reading has; and all that there are.

        As far as something is unknown the cache counts as empty.
        """
        reading = self._reading
        if reading is None or reading.kv_usage is None or self._stale():
            return 0.0, 1.0
        if reading.kv_capacity_tokens is None:
            return reading.kv_usage, 1.0
        tokens = self._unseen_tokens + prompt_tokens
        kv_blocks = reading.kv_capacity_tokens / BLOCK_TOKENS
        return reading.kv_usage * kv_blocks + tokens / BLOCK_TOKENS, kv_blocks

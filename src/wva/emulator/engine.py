"""One live engine: requests go in as they come, tokens come out; time is handed in, so it is pure of any clock.

All that happens inside is the shared engine model (:mod:`wva.engine.batch`): this keeps its arrays, gives requests a
place in them and tells what is new.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.emulator.prefixes import BlockIds
from wva.engine.batch import alone
from wva.engine.batch.alone import ALONE, StepHistograms
from wva.engine.batch.latency import LATENCY_BUCKETS
from wva.engine.batch.state import (
    ACTIVE,
    COUNTERS,
    INCOMPLETE,
    NEVER,
    NONE,
    PICOSECONDS,
    REQUEST,
    Engines,
    unused_engines,
)
from wva.engine.server import BLOCK_TOKENS, Server

INTER_TOKEN_BOUNDS_S = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
ITERATION_BOUNDS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)
"""vLLM's buckets."""

_REQUESTS_AT_FIRST = 1024
_SPARE_BLOCKS = 4096
_SCALED = ("sequence_ps", "kv_token_ps", "window_token_ps", "attention_pair_ps", "product_token_ps", "output_row_ps")


@dataclass(frozen=True, slots=True)
class Work:
    """What the engine needs to know of a request."""

    arrival_ps: int
    """When it came; an engine that is held may get it later."""
    input_tokens: int
    output_tokens: int
    """Tokens after which the answer ends."""
    blocks: Sequence[bytes] = ()
    """Hashes of all blocks that its prompt fills whole, for an engine with prefix caching."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is new of one request."""

    request: int
    produced: int
    """Tokens of its answer so far."""
    ended: bool


@dataclass(frozen=True, slots=True)
class Times:
    """The course of a request, in picoseconds; -1 for what has not happened."""

    arrival: int
    scheduled: int
    first_token: int
    finish: int
    preemptions: int
    cached_tokens: int
    """Tokens of its prompt that the prefix cache held."""

    @classmethod
    def unserved(cls, arrival: int, finish: int) -> "Times":
        """The course of a request that was dropped before an engine had it."""
        return cls(arrival, NONE, NONE, finish, 0, 0)


class LiveEngine:
    """One engine of the shared model, driven as time passes. Times are picoseconds and must never go back."""

    def __init__(self, server: Server, *, prefix_caching: bool = True) -> None:
        """An idle engine with an empty cache."""
        self.server = server
        self.held = False
        """Whether it finishes the step under way and begins no other."""
        self._prefix_caching = prefix_caching
        self._stride = max(1, server.longest_prompt // BLOCK_TOKENS)
        self._ids = BlockIds(server.kv_blocks + _SPARE_BLOCKS if prefix_caching else 0)
        # First in, first out: among requests that end together the engine goes by number, as vLLM by admission.
        self._free = deque(range(_REQUESTS_AT_FIRST))
        self._used = 0
        self._leaving: list[int] = []
        self._numbers: dict[int, NDArray[np.int32]] = {}
        self._told = np.full(_REQUESTS_AT_FIRST, NONE, np.int32)
        self._changed = np.zeros(_REQUESTS_AT_FIRST, np.int32)
        self._engines = self._empty()
        self._step_times = (self._engines.servers.copy(), self._engines.tokens_ps.copy())
        self.histograms = StepHistograms(
            np.array([round(bound * PICOSECONDS) for bound in INTER_TOKEN_BOUNDS_S], np.int64),
            np.zeros(len(INTER_TOKEN_BOUNDS_S) + 1, np.int64),
            np.array(ITERATION_BOUNDS, np.int64),
            np.zeros(len(ITERATION_BOUNDS) + 1, np.int64),
        )
        self._warm_up()

    def _warm_up(self) -> None:
        """Call every compiled function once, so that none is loaded or compiled while requests wait."""
        alone.begin(self._engines)
        self._serve(0, self._changed[:0])
        alone.progress(self._engines, self._told, 0, self._changed)
        # No request is in these arrays yet, and a record of zeros has ended.
        alone.leave(self._engines, 0, 0, INCOMPLETE)
        alone.forget(self._engines)
        self.gauges(0)
        self.counters(0)

    def _empty(self) -> Engines:
        blocks = _REQUESTS_AT_FIRST if self._prefix_caching else 0
        return unused_engines(
            1,
            np.zeros(_REQUESTS_AT_FIRST, REQUEST),
            [self.server],
            np.zeros((1, LATENCY_BUCKETS), np.int64),
            self._ids.size,
            self._offsets(blocks),
            # Every request has room for the longest prompt; memory that no prompt touches costs nothing.
            np.zeros(blocks * self._stride, np.int32),
            entry_blocks=1,
        )

    def _offsets(self, requests: int) -> NDArray[np.int64]:
        return np.arange(requests + 1, dtype=np.int64) * self._stride if requests else np.empty(0, np.int64)

    @property
    def next_event_ps(self) -> int | None:
        """When the step under way ends; ``None`` while there is none."""
        event = int(self._engines.event[ALONE])
        return None if event == NEVER else event

    def submit(self, now_ps: int, work: Sequence[Work]) -> list[int]:
        """Take requests in, at one instant, and give each a number: its own until it is told to have ended."""
        while len(self._free) < len(work):
            self._grow_requests()
        taken = [self._place(each) for each in work]
        self._serve(now_ps, np.array(taken, np.int32))
        return taken

    def advance(self, now_ps: int) -> list[Progress]:
        """Work up to ``now_ps`` and tell what is new since the last time."""
        self._serve(now_ps, self._changed[:0])
        count = alone.progress(self._engines, self._told, self._used, self._changed)
        if count == 0:
            return []
        numbers = self._changed[:count].copy()
        records = self._engines.requests[numbers]
        self._told[numbers] = records["produced"]
        news = [
            Progress(*each)
            for each in zip(
                numbers.tolist(), records["produced"].tolist(), (records["status"] != ACTIVE).tolist(), strict=True
            )
        ]
        for number in numbers[records["status"] != ACTIVE].tolist():
            self._release(number)
        return news

    def abort(self, request: int, now_ps: int) -> None:
        """End a request whose client has left; nothing more is told of it."""
        alone.leave(self._engines, request, now_ps, INCOMPLETE)
        self._told[request] = NONE
        self._leaving.append(request)
        self._serve(now_ps, self._changed[:0])

    def times(self, request: int) -> Times:
        """The course of a request so far; one that has ended keeps it until the next is submitted."""
        record = self._engines.requests[request]
        fields = ("arrival", "scheduled", "first_token", "finish", "preemptions", "cached")
        return Times(*(int(record[field]) for field in fields))

    def hold(self, now_ps: int) -> None:
        """Begin no further step."""
        self._serve(now_ps, self._changed[:0])
        self.held = True

    def resume(self, now_ps: int, *, forget: bool = False) -> None:
        """Go on where it was held; ``forget`` empties the prefix cache."""
        self._serve(now_ps, self._changed[:0])
        self.held = False
        if forget:
            alone.forget(self._engines)
        self._serve(now_ps, self._changed[:0], resumed=True)

    def slow_down(self, factor: float) -> None:
        """Let every step from the next on take ``factor`` times as long as the hardware's."""
        servers, tokens_ps = self._step_times
        for field in _SCALED:
            self._engines.servers[field] = np.rint(servers[field] * factor)
        self._engines.tokens_ps[:] = np.rint(tokens_ps * factor)

    def gauges(self, now_ps: int) -> tuple[int, int, float]:
        """(running, waiting, share of the KV cache in use)."""
        return alone.gauges(self._engines, now_ps)

    def counters(self, now_ps: int) -> dict[str, float]:
        """What the engine has counted up to its last finished step, by the names of ``COUNTERS``."""
        values = np.zeros(len(COUNTERS))
        alone.counters(self._engines, now_ps, values)
        return dict(zip(COUNTERS, values.tolist(), strict=True))

    def _serve(self, now_ps: int, arrivals: NDArray[np.int32], *, resumed: bool = False) -> None:
        alone.serve(self._engines, self.histograms, now_ps, arrivals, len(arrivals), self.held, resumed)
        if self._leaving and self._engines.replicas[ALONE]["aborts"] == 0:
            for number in self._leaving:
                self._release(number)
            self._leaving.clear()

    def _place(self, work: Work) -> int:
        number = self._free.popleft()
        self._used = max(self._used, number + 1)
        self._engines.requests[number] = np.zeros((), REQUEST)
        record: Any = self._engines.requests[number]
        record["arrival"] = work.arrival_ps
        record["input"] = work.input_tokens
        record["output"] = work.output_tokens
        record["status"] = ACTIVE
        for field in ("scheduled", "first_token", "finish", "last_token", "replica"):
            record[field] = NONE
        self._told[number] = 0
        if self._prefix_caching:
            assert len(work.blocks) == work.input_tokens // BLOCK_TOKENS
            self._make_room(work.blocks)
            listed = self._ids.take(work.blocks)
            begin = number * self._stride
            self._engines.block_hashes[begin : begin + len(listed)] = listed
            self._numbers[number] = listed
        return number

    def _release(self, number: int) -> None:
        self._told[number] = NONE
        self._free.append(number)
        listed = self._numbers.pop(number, None)
        if listed is not None:
            self._ids.release(listed)

    def _make_room(self, blocks: Sequence[bytes]) -> None:
        if self._ids.missing(blocks) <= 0:
            return
        self._ids.collect(self._engines.entries[ALONE]["present"])
        missing = self._ids.missing(blocks)
        if missing > 0:
            size = self._ids.size
            self._ids.grow(max(2 * size, size + missing))
            entries = np.zeros((1, self._ids.size), self._engines.entries.dtype)
            entries[:, :size] = self._engines.entries
            self._engines = self._engines._replace(entries=entries)

    def _grow_requests(self) -> None:
        size = len(self._told)
        self._free.extend(range(size, 2 * size))
        self._told = np.concatenate([self._told, np.full(size, NONE, np.int32)])
        self._changed = np.zeros(2 * size, np.int32)
        requests = np.concatenate([self._engines.requests, np.zeros(size, REQUEST)])
        self._engines = self._engines._replace(requests=requests)
        if self._prefix_caching:
            hashes = np.zeros(2 * size * self._stride, np.int32)
            for number, listed in self._numbers.items():
                hashes[number * self._stride : number * self._stride + len(listed)] = listed
            self._engines = self._engines._replace(block_offsets=self._offsets(2 * size), block_hashes=hashes)

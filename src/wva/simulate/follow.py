"""Where the time of one request went: its stages, told by watching it at every event of its life.

The engine records no more of a request than a few times. Its replica says at each step boundary what the request is
doing until the next one, so one that is asked about is followed event by event, exactly and at no cost to other runs.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from wva.engine.batch.state import NONE, SINGLE_STEP, Engines
from wva.engine.server import BLOCK_TOKENS, Server
from wva.simulate.run import Setting, Simulation


class Stage(StrEnum):
    """What a request does, or waits for."""

    GATEWAY = "gateway"
    """Held at the gateway."""
    QUEUE = "queue"
    """In a replica's queue, before it first joins a batch."""
    PREFILL = "prefill"
    """Its prompt is computed: as long as its chunks alone would take."""
    PREFILL_SHARED = "prefill_shared"
    """What steps that compute its prompt take longer for the rest of the batch."""
    DECODE = "decode"
    """Decoding, in steps without anybody's prompt."""
    DECODE_SHARED = "decode_shared"
    """Decoding, in steps that also compute prompts of others."""
    PREEMPTED = "preempted"
    """Back in the queue, because the KV cache was full."""
    RECOMPUTED = "recomputed"
    """What preemption has thrown away is computed again."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The life of one request; times in picoseconds."""

    stages: dict[Stage, int]
    """In the order of ``Stage``, all of them; they add up to the time from arrival to end."""
    variant: int | None
    """Index of the variant that it was sent to; ``None`` where it never was."""
    replica: str | None
    """Id of the replica."""
    running: int
    """Requests in the replica's batch just before it was sent there."""
    waiting: int
    """Requests in the replica's queue just before."""


class _Prefill:
    """The time that the chunks of a prompt would take alone, summed as they are planned."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._computed: int | None = None
        self._own_ps = 0

    def saw(self, computed: int, cached: int) -> None:
        """Take in how much of the prompt is computed when the step under way ends."""
        before = cached if self._computed is None else self._computed
        if computed > before:
            self._own_ps += _chunk_ps(self._server, before, computed - before)
        self._computed = computed

    def split(self, total: int) -> tuple[int, int]:
        """(own, for others) of the time spent; a request that left in the middle of a step has not used all of it."""
        own = min(self._own_ps, total)
        return own, total - own


def follow(simulation: Simulation, setting: Setting, request: int) -> Followed:
    """Run a fork on until a request has ended, and tell its stages.

    The simulation must not have reached the arrival yet; it is used up.
    """
    engines = simulation.world.engines
    record = engines.requests[request]
    now = int(record["arrival"])
    simulation.run_until(now - 1)
    load = _loads(engines)
    simulation.run_until(now)
    spent = dict.fromkeys(Stage, 0)
    prefill: _Prefill | None = None
    sent: tuple[int, str, int, int] | None = None
    while int(record["finish"]) < 0:
        if sent is None and int(record["replica"]) != NONE:
            row = int(record["replica"])
            replica = simulation.replica_at(row)
            sent = (replica.variant, replica.id, *load.get(row, (0, 0)))
            prefill = _Prefill(setting.servers[replica.variant])
        stage = _stage(engines, request, prefill)
        load = _loads(engines) if sent is None else load
        following = simulation.next_event()
        simulation.run_until(following)
        spent[stage] += min(following, _end(record, following)) - now
        now = following
    if prefill is not None:
        spent[Stage.PREFILL], spent[Stage.PREFILL_SHARED] = prefill.split(spent[Stage.PREFILL])
    variant, name, running, waiting = sent or (None, None, 0, 0)
    return Followed(spent, variant, name, running, waiting)


def _end(record: Any, now: int) -> int:
    """When the request ended, if it has: a truncated answer may have ended at an earlier event."""
    finish = int(record["finish"])
    return finish if finish >= 0 else now


def _loads(engines: Engines) -> dict[int, tuple[int, int]]:
    """(running, waiting) of every engine that has anything."""
    replicas = engines.replicas
    busy = np.flatnonzero((replicas["running"] > 0) | (replicas["waiting"] > 0))
    return {int(row): (int(replicas[row]["running"]), int(replicas[row]["waiting"])) for row in busy}


def _stage(engines: Engines, request: int, prefill: _Prefill | None) -> Stage:
    """What the request does until the next event."""
    record = engines.requests[request]
    row = int(record["replica"])
    if row == NONE:
        return Stage.GATEWAY
    found = np.flatnonzero(engines.slots[row]["request"] == request)
    if not len(found):
        return Stage.QUEUE if record["scheduled"] < 0 else Stage.PREEMPTED
    slot, replica = engines.slots[row, found[0]], engines.replicas[row]
    if slot["finish_step"] == NONE:
        if record["preemptions"] > 0:
            return Stage.RECOMPUTED
        assert prefill is not None
        prefill.saw(int(slot["computed"]), int(slot["shared"]) * engines.entry_blocks * BLOCK_TOKENS)
        return Stage.PREFILL
    prompts = replica["mode"] == SINGLE_STEP and (replica["prefilled"] > 0 or replica["partial"] != NONE)
    return Stage.DECODE_SHARED if prompts else Stage.DECODE


def _chunk_ps(server: Server, before: int, chunk: int) -> int:
    """Duration of a step that computes nothing but this chunk of a prompt; see ``StepTime``."""
    step = server.step
    pairs = chunk * before + chunk * (chunk + 1) // 2
    read = step.kv_token_ps * before + step.window_token_ps * min(before, server.window)
    return int(step.tokens_ps[chunk]) + step.sequence_ps + read + step.attention_pair_ps * pairs

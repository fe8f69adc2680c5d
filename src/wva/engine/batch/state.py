"""The state of many engines as arrays of records, so that compiled code works on it in place."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wva.engine.server import Server

PICOSECONDS = 1_000_000_000_000
"""Picoseconds in a second."""
NEVER = np.iinfo(np.int64).max
"""The time of an event that is not planned."""
NONE = -1
"""No slot, no request."""

Record: TypeAlias = Any
"""One element of a structured array; its fields are attributes in compiled code."""

WAITING_FOR_ARRIVAL = 0
ACTIVE = 1
COMPLETED = 2
TRUNCATED = 3
TOO_LONG = 4
FIRST_TOKEN_TIMEOUT = 5
TOTAL_TIMEOUT = 6
CRASHED = 7
QUEUE_TIMEOUT = 8
INCOMPLETE = 9

IDLE = 0
DECODE_RUN = 1
SINGLE_STEP = 2

REQUEST = np.dtype(
    [
        ("arrival", np.int64),
        ("enqueued", np.int64),
        ("scheduled", np.int64),
        ("first_token", np.int64),
        ("finish", np.int64),
        ("last_token", np.int64),
        ("input", np.int32),
        ("output", np.int32),
        ("produced", np.int32),
        ("cached", np.int32),
        ("next", np.int32),
        ("previous", np.int32),
        ("replica", np.int16),
        ("model", np.int16),
        ("preemptions", np.int16),
        ("status", np.int8),
    ],
    align=True,
)
"""One request. Times in picoseconds, -1 until they happen; ``enqueued`` is when an engine got it and ``scheduled``
when it first joined a batch, with ``cached`` tokens of its prompt found in the prefix cache; ``next`` and ``previous``
link the queue it waits in; ``last_token`` is the time of its newest token when it was preempted."""

SERVER = np.dtype(
    [
        ("sequence_ps", np.int64),
        ("kv_token_ps", np.int64),
        ("window_token_ps", np.int64),
        ("attention_pair_ps", np.int64),
        ("product_token_ps", np.int64),
        ("output_row_ps", np.int64),
        ("kv_blocks", np.int64),
        ("window", np.int64),
        ("window_blocks", np.int64),
        ("max_num_seqs", np.int64),
        ("max_num_batched_tokens", np.int64),
        ("max_model_len", np.int64),
        ("longest_prompt", np.int64),
        ("prompt_token_s", np.float64),
    ],
    align=True,
)
"""A :class:`~wva.engine.server.Server` without its table of step times."""

REPLICA = np.dtype(
    [
        ("server", np.int64),
        ("mode", np.int64),
        ("steps", np.int64),
        ("running", np.int64),
        ("decoding", np.int64),
        ("context", np.int64),
        ("used_blocks", np.int64),
        ("idle_entries", np.int64),
        ("waiting", np.int64),
        ("aborts", np.int64),
        ("first_waiting", np.int32),
        ("last_waiting", np.int32),
        ("oldest", np.int32),
        ("newest", np.int32),
        ("partial", np.int32),
        ("prefilled", np.int32),
        ("free_slots", np.int32),
        ("heap", np.int32),
        ("least_recent", np.int32),
        ("most_recent", np.int32),
        ("inside_window", np.int64),
        ("run_start", np.int64),
        ("run_steps", np.int64),
        ("run_first_ps", np.int64),
        ("run_growth_ps", np.int64),
        ("run_rest_ps", np.int64),
        ("in_flight", np.int64),
        ("seen_waiting", np.int64),
        ("seen_blocked", np.bool_),
        ("seen_used_blocks", np.int64),
        ("blocked", np.bool_),
        ("seen_at", np.int64),
        ("sent_since_seen", np.int64),
        ("tokens_since_seen", np.int64),
        ("residues", np.int64, (16,)),
    ],
    align=True,
)
"""One engine.

``steps`` counts its finished steps. ``context`` is the sum over decoding sequences of their known tokens. ``oldest``
and ``newest`` end the list of running slots in order of admission. ``partial`` is the slot whose prefill is not
finished, ``prefilled`` the slots whose prefill ends with the current step. ``residues[x]`` counts decoding slots whose
``origin`` is ``x`` modulo 16. A decode run of ``run_steps`` steps began at ``run_start``; its first step takes
``run_first_ps`` and each further one ``run_growth_ps`` more; ``run_rest_ps`` of each step do not saturate the GPUs.
``blocked`` says that requests wait for KV cache or a slot, not just for their turn in the next steps (vLLM's
``num_requests_waiting_by_reason{reason="capacity"}``); ``seen_*`` is the gateway's last reading, ``*_since_seen`` what
it has sent since: requests, and tokens of their prompts. ``idle_entries``, ``least_recent`` and ``most_recent`` are the
unreferenced entries of the prefix cache in order of use.
"""

SLOT = np.dtype(
    [
        ("origin", np.int64),
        ("finish_step", np.int64),
        ("request", np.int32),
        ("older", np.int32),
        ("newer", np.int32),
        ("computed", np.int32),
        ("shared", np.int32),
        ("ends_prefill", np.int32),
        ("spare", np.int32),
    ],
    align=True,
)
"""One sequence of a batch. While decoding it knows ``origin + steps`` tokens and ends when ``steps`` reaches
``finish_step``; while prefilling ``computed`` tokens are done and ``finish_step`` is -1. ``shared`` leading entries of
the prefix cache are referenced. ``ends_prefill[i]`` and ``spare[i]`` are the replica's lists of prefilled and of free
slots."""

COMPLETION = np.dtype([("key", np.int64), ("slot", np.int64)], align=True)
"""An entry of a replica's heap of completions: step and request in one number, stale when its slot has another."""

ENTRY = np.dtype(
    [("references", np.int32), ("older", np.int32), ("newer", np.int32), ("present", np.int32)], align=True
)
"""One trace block (of ``entry_blocks`` KV blocks) in a replica's prefix cache."""

COUNTERS = (
    "prompt_tokens",
    "generation_tokens",
    "finished",
    "finished_input_tokens",
    "finished_output_tokens",
    "preemptions",
    "ttft_s",
    "ttft_count",
    "inter_token_s",
    "inter_token_count",
    "prefix_queried",
    "prefix_hit",
    "busy_ps",
    "saturated_ps",
)
"""Columns of the counters of a server, each only ever growing: what it exports, then what its power follows from.

``busy_ps`` is the time in steps, and ``saturated_ps`` the part of it that their attention and their matrix products at
full rate take (:mod:`wva.engine.power`): whole picoseconds for every finished step.
"""
(
    PROMPT_TOKENS,
    GENERATION_TOKENS,
    FINISHED,
    FINISHED_INPUT,
    FINISHED_OUTPUT,
    PREEMPTIONS,
    TTFT_SUM,
    TTFT_COUNT,
    INTER_TOKEN_SUM,
    INTER_TOKEN_COUNT,
    PREFIX_QUERIED,
    PREFIX_HIT,
    BUSY,
    SATURATED,
) = range(len(COUNTERS))


class Engines(NamedTuple):
    """Many engines and the requests that they serve."""

    requests: NDArray[Any]
    """Shape (requests,), dtype REQUEST, in order of arrival."""
    servers: NDArray[Any]
    """Shape (kinds,), dtype SERVER."""
    tokens_ps: NDArray[np.int64]
    """Shape (kinds, most batched tokens + 1): base time of a step by its tokens."""
    replicas: NDArray[Any]
    """Shape (replicas,), dtype REPLICA."""
    event: NDArray[np.int64]
    """Shape (replicas,): when the current step or run ends; NEVER while idle."""
    slots: NDArray[Any]
    """Shape (replicas, most sequences), dtype SLOT."""
    heap: NDArray[Any]
    """Shape (replicas, twice the most sequences), dtype COMPLETION: a binary heap each."""
    counters: NDArray[np.float64]
    """Shape (replicas, len(COUNTERS))."""
    latencies: NDArray[np.int64]
    """Shape (models, LATENCY_BUCKETS): answers by their time to first token and by their time per output token."""
    entries: NDArray[Any]
    """Shape (replicas, distinct trace blocks), dtype ENTRY."""
    block_offsets: NDArray[np.int64]
    """Shape (requests + 1,) or (0,): where each request's trace blocks begin in ``block_hashes``."""
    block_hashes: NDArray[np.int32]
    """Dense ids of trace blocks."""
    entry_blocks: int
    """KV blocks in one trace block."""


def server_records(servers: Sequence[Server]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Turn servers into (SERVER records, step times by tokens), one row a server."""
    records = np.zeros(len(servers), SERVER)
    width = max(server.max_num_batched_tokens for server in servers) + 1
    tokens_ps = np.zeros((len(servers), width), np.int64)
    for row, server in enumerate(servers):
        for field in (
            "sequence_ps",
            "kv_token_ps",
            "window_token_ps",
            "attention_pair_ps",
            "product_token_ps",
            "output_row_ps",
        ):
            records[row][field] = getattr(server.step, field)
        for field in (
            "kv_blocks",
            "window",
            "window_blocks",
            "max_num_seqs",
            "max_num_batched_tokens",
            "max_model_len",
            "longest_prompt",
            "prompt_token_s",
        ):
            records[row][field] = getattr(server, field)
        tokens_ps[row, : server.max_num_batched_tokens + 1] = server.step.tokens_ps
    return records, tokens_ps


def unused_engines(
    count: int,
    requests: NDArray[Any],
    servers: Sequence[Server],
    latencies: NDArray[np.int64],
    blocks: int,
    block_offsets: NDArray[np.int64],
    block_hashes: NDArray[np.int32],
    entry_blocks: int,
) -> Engines:
    """Make ``count`` engines that have done nothing; ``blocks`` is how many different prompt blocks there are."""
    records, tokens_ps = server_records(servers)
    sequences = max(server.max_num_seqs for server in servers)
    return Engines(
        requests=requests,
        servers=records,
        tokens_ps=tokens_ps,
        replicas=np.zeros(count, REPLICA),
        event=np.full(count, NEVER, np.int64),
        slots=np.zeros((count, sequences), SLOT),
        heap=np.zeros((count, 2 * sequences), COMPLETION),
        counters=np.zeros((count, len(COUNTERS)), np.float64),
        latencies=latencies,
        entries=np.zeros((count, blocks), ENTRY),
        block_offsets=block_offsets,
        block_hashes=block_hashes,
        entry_blocks=entry_blocks,
    )

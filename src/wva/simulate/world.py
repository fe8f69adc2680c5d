"""The state of the simulated gateway and its replicas, laid out for compiled code."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import Engines

LEAST_LOADED = 0
ROUND_ROBIN = 1

QUEUE_AT_ENGINE = 0
QUEUE_AT_GATEWAY = 1

GATEWAY = np.dtype(
    [
        ("first_waiting", np.int32),
        ("last_waiting", np.int32),
        ("waiting", np.int64),
        ("queued_tokens", np.int64),
        ("arrivals", np.int64),
        ("arrived_tokens", np.int64),
        ("failed", np.int64),
        ("ready", np.int64),
        ("turn", np.int64),
        ("longest_prompt", np.int64),
        ("full_load_s", np.float64),
    ],
    align=True,
)
"""The gateway's view of one model: its queue (linked through the requests), counters, and ready replicas.

``longest_prompt`` is what the largest variant can take; a longer prompt is refused on arrival. ``full_load_s`` is the
load at which a replica has as much in flight as keeps the objectives: what a full KV cache counts as.
"""

CLOCK = np.dtype(
    [
        ("now", np.int64),
        ("arrived", np.int64),
        ("offered", np.int64),
        ("max_concurrency", np.int64),
        ("first_token_cursor", np.int64),
        ("total_cursor", np.int64),
        ("first_token_timeout", np.int64),
        ("total_timeout", np.int64),
        ("queue_timeout", np.int64),
        ("check", np.int64),
        ("rows", np.int64),
        ("queue_mode", np.int64),
        ("hold_above", np.int64),
        ("hold_above_kv", np.float64),
        ("routing", np.int64),
    ],
    align=True,
)
"""Progress and settings of the run.

``now`` is the time of the newest event. ``arrived`` requests of those ``offered`` have come; the next comes when it is
due and fewer than ``max_concurrency`` are outstanding, NEVER without a limit. Both cursors walk the requests in order
of arrival: none before them can time out any more. Timeouts are in picoseconds, NEVER without one. ``check`` is when
the gateway next looks at its queue. ``rows`` is how many rows of replicas are in use at most.
"""


class World(NamedTuple):
    """Everything that the event loop works on."""

    engines: Engines
    gateways: NDArray[Any]
    """Shape (models,), dtype GATEWAY."""
    server_models: NDArray[np.int64]
    """Shape (kinds,): the model that each kind of server serves."""
    ready: NDArray[np.int32]
    """Shape (models, replicas): ready replicas of each model in ascending order, as many as its ``ready``."""
    cost: NDArray[np.float64]
    """Shape (replicas,): reciprocal speed of each replica, by which the router weighs its load."""
    draining: NDArray[np.bool_]
    """Shape (replicas,)."""
    due: NDArray[np.int32]
    """Shape (replicas,): scratch list of replicas at a step boundary."""
    clock: NDArray[Any]
    """Shape (1,), dtype CLOCK."""

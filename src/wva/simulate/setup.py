"""Arrays for a run, from its traffic and its servers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.latency import LATENCY_BUCKETS
from wva.engine.batch.state import (
    NEVER,
    NONE,
    REQUEST,
    Engines,
    unused_engines,
)
from wva.engine.compiled import entry_point
from wva.engine.server import BLOCK_TOKENS, Server
from wva.simulate.world import (
    CLOCK,
    GATEWAY,
    LEAST_LOADED,
    QUEUE_AT_ENGINE,
    QUEUE_AT_GATEWAY,
    ROUND_ROBIN,
    World,
)
from wva.workload.blocks import without_blocks
from wva.workload.merge import Workload


@entry_point
def _announce(
    requests: NDArray[Any],
    arrival_ps: NDArray[np.int64],
    input_tokens: NDArray[np.int32],
    output_tokens: NDArray[np.int32],
    model: NDArray[np.int16],
) -> None:
    """Fill zeroed records with requests to come: one pass over memory, where field by field would be eight."""
    for index in range(requests.size):
        record = requests[index]
        record.arrival = arrival_ps[index]
        record.input = input_tokens[index]
        record.output = output_tokens[index]
        record.model = model[index]
        record.scheduled = NONE
        record.first_token = NONE
        record.finish = NONE
        record.last_token = NONE
        record.replica = NONE


def _engines(workload: Workload, servers: Sequence[Server], rows: int) -> Engines:
    requests = np.zeros(len(workload), REQUEST)
    _announce(requests, workload.arrival_ps, workload.input_tokens, workload.output_tokens, workload.model)
    blocks = workload.blocks or without_blocks(0, BLOCK_TOKENS)
    return unused_engines(
        rows,
        requests,
        servers,
        np.zeros((len(workload.models), LATENCY_BUCKETS), np.int64),
        blocks.distinct,
        blocks.offsets if workload.blocks else np.empty(0, np.int64),
        blocks.ids,
        blocks.tokens // BLOCK_TOKENS,
    )


def build_world(
    workload: Workload,
    *,
    servers: Sequence[Server],
    server_models: Sequence[int],
    full_load_s: Sequence[float],
    rows: int,
    first_token_timeout_ps: int | None,
    total_timeout_ps: int | None,
    queue_timeout_ps: int | None = None,
    hold_above: int | None,
    hold_above_kv: float | None = None,
    round_robin: bool,
    max_concurrency: int | None = None,
) -> World:
    """Lay out a run with no replica in it.

    ``servers`` are the kinds of server and ``server_models`` the model index that each serves; ``full_load_s`` is for
    each model how long a typical answer takes at its objectives; ``rows`` is how many replicas can exist at once.
    ``hold_above`` is None when requests queue at the engines, and ``max_concurrency`` when they come as they are due.
    """
    models = len(workload.models)
    gateways = np.zeros(models, GATEWAY)
    gateways["full_load_s"] = full_load_s
    gateways["first_waiting"] = gateways["last_waiting"] = NONE
    for server, model in zip(servers, server_models, strict=True):
        gateways[model]["longest_prompt"] = max(gateways[model]["longest_prompt"], server.longest_prompt)
    clock = np.zeros(1, CLOCK)
    clock["first_token_timeout"] = NEVER if first_token_timeout_ps is None else first_token_timeout_ps
    clock["total_timeout"] = NEVER if total_timeout_ps is None else total_timeout_ps
    clock["queue_timeout"] = NEVER if queue_timeout_ps is None else queue_timeout_ps
    clock["offered"] = len(workload)
    clock["max_concurrency"] = NEVER if max_concurrency is None else max_concurrency
    clock["check"] = NEVER
    clock["queue_mode"] = QUEUE_AT_ENGINE if hold_above is None else QUEUE_AT_GATEWAY
    clock["hold_above"] = hold_above or 0
    clock["hold_above_kv"] = np.inf if hold_above_kv is None else hold_above_kv
    clock["routing"] = ROUND_ROBIN if round_robin else LEAST_LOADED
    return World(
        engines=_engines(workload, servers, rows),
        gateways=gateways,
        server_models=np.array(server_models, np.int64),
        ready=np.zeros((models, rows), np.int32),
        cost=np.ones(rows),
        draining=np.zeros(rows, np.bool_),
        due=np.zeros(rows, np.int32),
        clock=clock,
    )

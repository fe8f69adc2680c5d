"""The closed form equals the step-by-step reference on every request's times."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulate import reference
from wva.engine.batch import state
from wva.engine.server import Server, StepTime
from wva.simulate.loop import advance, make_ready
from wva.simulate.setup import build_world
from wva.simulate.world import World
from wva.workload.blocks import PrefixBlocks
from wva.workload.merge import Workload

MS = 1_000_000_000
STATUS = {
    state.COMPLETED: "completed",
    state.TRUNCATED: "truncated",
    state.TOO_LONG: "too long",
    state.FIRST_TOKEN_TIMEOUT: "first token timeout",
    state.TOTAL_TIMEOUT: "total timeout",
    state.CRASHED: "crashed",
    state.QUEUE_TIMEOUT: "queue timeout",
}


@dataclass(frozen=True)
class Case:
    servers: tuple[Server, ...]
    costs: tuple[float, ...]
    arrivals: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    blocks: tuple[tuple[int, ...], ...] | None
    first_token_timeout: int | None
    total_timeout: int | None
    queue_timeout: int | None
    hold_above: int | None
    hold_above_kv: float | None
    max_concurrency: int | None
    full_load_s: float


@st.composite
def servers(draw: st.DrawFn) -> Server:
    window = draw(st.sampled_from([0, 0, 0, 24, 40]))
    batched = draw(st.sampled_from([16, 40, 128]))
    base = draw(st.sampled_from([1, 7, 10])) * MS
    growing = draw(st.booleans())
    return Server(
        step=StepTime(
            # Round step times put arrivals and deadlines on step boundaries.
            tokens_ps=np.array([base + (n * MS // 4 if growing else 0) for n in range(batched + 1)], np.int64),
            sequence_ps=draw(st.sampled_from([0, 0, 333_333_333])),
            kv_token_ps=draw(st.sampled_from([0, 0, 10_000_000, 12_345_677])),
            window_token_ps=draw(st.sampled_from([0, 1_000_003])) if window else 0,
            attention_pair_ps=draw(st.sampled_from([0, 0, 1_000_001])),
            product_token_ps=draw(st.sampled_from([0, 1_000_007])),
            output_row_ps=draw(st.sampled_from([0, 200_003])),
        ),
        kv_blocks=draw(st.sampled_from([4, 6, 9, 14, 40, 400])),
        window=window,
        window_blocks=-(-window // 16),
        max_num_seqs=draw(st.sampled_from([1, 2, 4, 16])),
        max_num_batched_tokens=batched,
        max_model_len=draw(st.sampled_from([60, 120, 10_000])),
    )


@st.composite
def cases(draw: st.DrawFn, blocks: bool = False) -> Case:
    count = draw(st.integers(1, 24))
    gaps = st.sampled_from([0, 0, 1 * MS, 5 * MS, 10 * MS, 70 * MS, 100 * MS, 13_777_777_777])
    arrivals = np.cumsum([draw(gaps) for _ in range(count)])
    inputs = [draw(st.sampled_from([1, 3, 15, 16, 17, 31, 33, 48, 64, 100, 150])) for _ in range(count)]
    lists = None
    if blocks:
        lists = tuple(
            tuple(draw(st.sampled_from([(0, 1, 2, 3, 4), (0, 1, 5, 6, 7), (8, 9, 10, 3, 2)]))[: size // 32])
            for size in inputs
        )
    kinds = draw(st.integers(1, 3))
    return Case(
        servers=tuple(draw(servers()) for _ in range(kinds)),
        costs=tuple(draw(st.sampled_from([1.0, 0.5, 0.3])) for _ in range(kinds)),
        arrivals=tuple(int(a) for a in arrivals),
        inputs=tuple(inputs),
        outputs=tuple(draw(st.sampled_from([1, 2, 5, 16, 17, 40, 70])) for _ in range(count)),
        blocks=lists,
        first_token_timeout=draw(st.sampled_from([None, 20 * MS, 150 * MS, 1000 * MS])),
        total_timeout=draw(st.sampled_from([None, None, 100 * MS, 300 * MS])),
        queue_timeout=draw(st.sampled_from([None, None, 100 * MS, 250 * MS])),
        hold_above=draw(st.sampled_from([None, None, 1, 3])),
        hold_above_kv=draw(st.sampled_from([None, None, 0.25, 0.5])),
        max_concurrency=draw(st.sampled_from([None, None, 1, 2, 5])),
        full_load_s=draw(st.sampled_from([0.0, 2.0, 10.0])),
    )


def world_of(case: Case, ready: bool = True) -> World:
    """The closed form's fleet; ready at 0, or not at all yet."""
    blocks = None
    if case.blocks is not None:
        offsets = np.cumsum([0, *map(len, case.blocks)]).astype(np.int64)
        blocks = PrefixBlocks(offsets, np.array([i for ids in case.blocks for i in ids], np.int32), 11, 32)
    world = build_world(
        Workload(
            arrival_ps=np.array(case.arrivals, np.int64),
            model=np.zeros(len(case.arrivals), np.int16),
            input_tokens=np.array(case.inputs, np.int32),
            output_tokens=np.array(case.outputs, np.int32),
            models=("m",),
            window_s=1.0,
            blocks=blocks,
        ),
        servers=case.servers,
        server_models=[0] * len(case.servers),
        full_load_s=[case.full_load_s],
        rows=len(case.servers),
        first_token_timeout_ps=case.first_token_timeout,
        total_timeout_ps=case.total_timeout,
        queue_timeout_ps=case.queue_timeout,
        hold_above=case.hold_above,
        hold_above_kv=case.hold_above_kv,
        round_robin=False,
        max_concurrency=case.max_concurrency,
    )
    for row, cost in enumerate(case.costs):
        world.cost[row] = cost
        if ready:
            make_ready(world, row, row, 0, 0)
    return world


def reference_fleet(case: Case) -> reference.Fleet:
    """The same fleet, step by step."""
    requests = [
        reference.Request(
            index, arrival, case.inputs[index], case.outputs[index], case.blocks[index] if case.blocks else ()
        )
        for index, arrival in enumerate(case.arrivals)
    ]
    return reference.Fleet(
        [
            reference.Engine(server, cost, 2, counts_prefixes=case.blocks is not None)
            for server, cost in zip(case.servers, case.costs, strict=True)
        ],
        requests,
        case.first_token_timeout,
        case.total_timeout,
        case.hold_above,
        case.full_load_s,
        queue_timeout=case.queue_timeout,
        hold_above_kv=case.hold_above_kv,
        max_concurrency=case.max_concurrency,
    )


def ends(world: World) -> list[tuple[object, ...]]:
    """What became of every request in the closed form."""
    return [
        (
            *(int(r[name]) for name in ("arrival", "scheduled", "first_token", "finish", "produced", "preemptions")),
            STATUS[int(r["status"])],
        )
        for r in world.engines.requests
    ]


def reference_ends(fleet: reference.Fleet) -> list[tuple[object, ...]]:
    """What became of every request step by step."""
    return [
        (r.arrival, r.scheduled, r.first_token, r.finish, r.produced, r.preemptions, r.status) for r in fleet.requests
    ]


def closed_form(case: Case) -> list[tuple[object, ...]]:
    world = world_of(case)
    assert advance(world, state.NEVER - 1) == state.NONE
    return ends(world)


def step_by_step(case: Case) -> list[tuple[object, ...]]:
    fleet = reference_fleet(case)
    fleet.run()
    return reference_ends(fleet)


@settings(max_examples=600, deadline=None)
@given(cases())
def test_closed_form_equals_steps(case: Case) -> None:
    assert closed_form(case) == step_by_step(case)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(cases(blocks=True))
def test_closed_form_equals_steps_with_prefix_cache(case: Case) -> None:
    assert closed_form(case) == step_by_step(case)

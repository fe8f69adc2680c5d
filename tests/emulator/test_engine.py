"""The live engine is the simulator's engine, looked at at any time."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulate.fleets import ps, server
from tests.simulate.test_exact import MS, servers
from wva.emulator.engine import LiveEngine, Times, Work
from wva.engine.server import Server
from wva.simulate.loop import advance, make_ready
from wva.simulate.setup import build_world
from wva.workload.blocks import PrefixBlocks
from wva.workload.merge import Workload


@dataclass(frozen=True)
class Case:
    server: Server
    arrivals: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    documents: tuple[int, ...]
    """Which text each prompt begins: prompts of one document share their blocks."""
    looks: tuple[int, ...]
    """Other times at which somebody looks."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 16))
    gap = st.sampled_from([0, 0, MS, 5 * MS, 10 * MS, 70 * MS, 13_777_777_777])
    chosen = draw(servers())
    most = min(150, chosen.longest_prompt)
    return Case(
        server=chosen,
        arrivals=tuple(int(a) for a in np.cumsum([draw(gap) for _ in range(count)])),
        inputs=tuple(min(most, draw(st.sampled_from([1, 15, 16, 31, 33, 64, 100, 150]))) for _ in range(count)),
        outputs=tuple(draw(st.integers(1, 40)) for _ in range(count)),
        documents=tuple(draw(st.integers(0, 2)) for _ in range(count)),
        looks=tuple(draw(st.lists(st.integers(0, 500 * MS), max_size=12))),
    )


def block(document: int, index: int) -> int:
    return document * 100 + index


def simulated(case: Case) -> list[Times]:
    lists = [[block(d, i) for i in range(n // 16)] for d, n in zip(case.documents, case.inputs, strict=True)]
    ids = {number: dense for dense, number in enumerate(dict.fromkeys(number for each in lists for number in each))}
    blocks = PrefixBlocks(
        offsets=np.cumsum([0, *map(len, lists)], dtype=np.int64),
        ids=np.array([ids[number] for each in lists for number in each], np.int32),
        distinct=max(1, len(ids)),
        tokens=16,
    )
    workload = Workload(
        models=("m",),
        arrival_ps=np.array(case.arrivals, np.int64),
        input_tokens=np.array(case.inputs, np.int32),
        output_tokens=np.array(case.outputs, np.int32),
        model=np.zeros(len(case.arrivals), np.int16),
        blocks=blocks,
        window_s=1.0,
    )
    world = build_world(
        workload,
        servers=[case.server],
        server_models=[0],
        full_load_s=[1.0],
        rows=1,
        first_token_timeout_ps=None,
        total_timeout_ps=None,
        hold_above=None,
        round_robin=True,
    )
    make_ready(world, 0, 0, 0, 0)
    advance(world, 10**18)
    fields = ("arrival", "scheduled", "first_token", "finish", "preemptions", "cached")
    return [Times(*(int(record[field]) for field in fields)) for record in world.engines.requests]


def lived(case: Case) -> tuple[list[Times], LiveEngine]:
    """The same requests, submitted as they come to an engine that is looked at at other times too."""
    engine = LiveEngine(case.server)
    ended: dict[int, Times] = {}
    index_of: dict[int, int] = {}
    produced: dict[int, int] = {}

    def look(now: int) -> None:
        for news in engine.advance(now):
            index = index_of[news.request]
            assert news.produced > produced.get(index, 0) or news.ended
            produced[index] = news.produced
            if news.ended:
                ended[index] = engine.times(news.request)

    instants = sorted({*case.arrivals, *case.looks})
    for now in instants:
        coming = [i for i, arrival in enumerate(case.arrivals) if arrival == now]
        if now in case.looks and not coming:
            look(now)
        if coming:
            if now in case.looks:
                look(now - 1)
            work = [
                Work(
                    now,
                    case.inputs[i],
                    case.outputs[i],
                    [str(block(case.documents[i], k)).encode() for k in range(case.inputs[i] // 16)],
                )
                for i in coming
            ]
            index_of.update(zip(engine.submit(now, work), coming, strict=True))
    while engine.next_event_ps is not None:
        look(engine.next_event_ps)
    look(10**18)
    return [ended[i] for i in range(len(case.arrivals))], engine


@settings(max_examples=400)
@given(cases())
def test_requests_go_as_in_the_simulator(case: Case) -> None:
    live, engine = lived(case)
    assert live == simulated(case)
    count = engine.counters(10**18)
    assert engine.histograms.inter_token.sum() == count["inter_token_count"]
    assert count["ttft_count"] == sum(times.first_token >= 0 for times in live)
    assert engine.gauges(10**18) == (0, 0, 0.0)


def test_a_request_that_comes_on_a_step_boundary_is_seen_by_the_step_that_starts_then() -> None:
    engine = fixed()
    (first,) = engine.submit(0, [work(6)])
    (second,) = engine.submit(ps(0.050), [work(1, arrival=0.050)])
    engine.advance(ps(1))
    assert engine.times(first).finish == ps(0.060)
    assert engine.times(second) == Times(ps(0.050), ps(0.050), ps(0.060), ps(0.060), 0, 0)


def work(output: int, *, arrival: float = 0.0, prompt: int = 10) -> Work:
    return Work(ps(arrival), prompt, output)


def fixed(**changes: int) -> LiveEngine:
    return LiveEngine(server(**changes), prefix_caching=False)


def test_tokens_are_told_at_the_end_of_every_step() -> None:
    engine = fixed()
    (number,) = engine.submit(0, [work(3)])
    assert engine.next_event_ps == ps(0.010)
    assert engine.advance(ps(0.0099)) == []
    told = [(n.produced, n.ended) for at in (0.010, 0.020, 0.030) for n in engine.advance(ps(at))]
    assert told == [(1, False), (2, False), (3, True)]
    assert engine.times(number) == Times(0, 0, ps(0.010), ps(0.030), 0, 0)


def test_a_late_look_tells_all_at_once() -> None:
    engine = fixed()
    engine.submit(0, [work(100)])
    assert [n.produced for n in engine.advance(ps(0.555))] == [55]


def test_steps_are_counted_by_duration_and_by_tokens() -> None:
    engine = fixed(step_ms=20)
    engine.submit(0, [work(5, prompt=30), work(5, prompt=30)])
    engine.advance(ps(1))
    # Four steps of two tokens each after the first, at 20 ms: the bucket up to 25 ms.
    assert engine.histograms.inter_token.tolist() == [0, 8] + [0] * 18
    # One step of 2 x 30 prompt tokens and 2 new ones (up to 64), four of 2 tokens (up to 8).
    assert engine.histograms.iteration.tolist() == [0, 4, 0, 0, 1] + [0] * 9


def test_an_aborted_request_leaves_at_the_next_boundary() -> None:
    engine = fixed()
    gone, stays = engine.submit(0, [work(50, prompt=160), work(5)])
    engine.advance(ps(0.025))
    engine.abort(gone, ps(0.025))
    assert engine.gauges(ps(0.025))[0] == 2
    engine.advance(ps(0.031))
    assert engine.gauges(ps(0.031))[0] == 1
    assert [n.request for n in engine.advance(ps(0.1))] == [stays]
    assert engine.gauges(ps(0.1)) == (0, 0, 0.0)


def test_a_waiting_request_can_be_aborted() -> None:
    engine = fixed(max_num_seqs=1)
    first, second = engine.submit(0, [work(3), work(3)])
    engine.abort(second, ps(0.005))
    assert [n.request for n in engine.advance(ps(1)) if n.ended] == [first]
    assert engine.counters(ps(1))["generation_tokens"] == 3


def test_a_held_engine_finishes_its_step_and_freezes() -> None:
    engine = fixed()
    engine.submit(0, [work(4)])
    engine.hold(ps(0.015))
    assert [n.produced for n in engine.advance(ps(5))] == [2]
    assert engine.next_event_ps is None
    assert engine.gauges(ps(5))[0] == 1
    engine.resume(ps(5))
    assert [(n.produced, n.ended) for n in engine.advance(ps(5.020))] == [(4, True)]


def test_a_held_engine_drops_what_is_aborted() -> None:
    engine = fixed()
    (number,) = engine.submit(0, [work(50, prompt=160)])
    engine.hold(ps(0.015))
    engine.advance(ps(0.1))
    engine.abort(number, ps(0.1))
    assert engine.gauges(ps(0.1)) == (0, 0, 0.0)
    engine.resume(ps(0.2))
    assert engine.next_event_ps is None


def test_slow_steps_from_the_next_on() -> None:
    engine = fixed()
    engine.submit(0, [work(4)])
    engine.advance(ps(0.015))
    engine.slow_down(3.0)
    # The step under way ends at 20 ms; the next two take 30 ms each.
    assert [n.produced for n in engine.advance(ps(0.021))] == [2]
    assert [n.produced for n in engine.advance(ps(0.080))] == [4]
    engine.slow_down(1.0)
    engine.submit(ps(1), [work(1, arrival=1)])
    assert engine.next_event_ps == ps(1.010)


def test_prompts_with_a_common_beginning_share_its_blocks() -> None:
    engine = LiveEngine(server())
    common = [b"a", b"b"]
    (first,) = engine.submit(0, [Work(0, 40, 1, common)])
    engine.advance(ps(0.010))
    assert engine.times(first).cached_tokens == 0
    (second,) = engine.submit(ps(1), [Work(ps(1), 60, 1, [*common, b"c"])])
    engine.advance(ps(2))
    assert engine.times(second).cached_tokens == 32
    engine.hold(ps(2))
    engine.resume(ps(2), forget=True)
    (third,) = engine.submit(ps(3), [Work(ps(3), 60, 1, [*common, b"c"])])
    engine.advance(ps(4))
    assert engine.times(third).cached_tokens == 0


def test_block_numbers_are_used_again_when_the_cache_has_let_go() -> None:
    engine = LiveEngine(server(kv_blocks=8))
    sizes = set()
    for turn in range(3000):
        now = ps(turn)
        engine.submit(now, [Work(now, 64, 1, [f"{turn}/{k}".encode() for k in range(4)])])
        assert [n.ended for n in engine.advance(now + ps(0.5))] == [True]
        sizes.add(engine._ids.size)
    assert len(sizes) == 1


def test_more_requests_and_blocks_than_there_was_room_for() -> None:
    engine = LiveEngine(server(max_num_seqs=50))
    count = 3000
    engine.submit(0, [Work(0, 64, 2, [f"{i}/{k}".encode() for k in range(4)]) for i in range(count)])
    assert engine.gauges(0)[:2] == (50, count - 50)
    ended = [n.request for n in engine.advance(ps(1000)) if n.ended]
    assert sorted(ended) == list(range(count))
    again = engine.submit(ps(2000), [Work(ps(2000), 64, 1, [f"{count - 1}/{k}".encode() for k in range(4)])])
    engine.advance(ps(2001))
    assert engine.times(again[0]).cached_tokens == 48

"""Which replica a request goes to: as the simulated gateway picks, and back to where its beginning was served."""

from typing import Any

import pytest

from tests.simulate.fleets import Rig as Simulated
from tests.simulate.fleets import server as simulated_server
from tests.simulate.fleets import variant
from wva.engine.server import BLOCK_TOKENS
from wva.fleet.readings import LoadReading
from wva.gateway.affinity import BLOCK_BYTES, PrefixMemory, prefix_hashes
from wva.gateway.ask import Ask, Flow
from wva.gateway.backend import Backend, BackendState
from wva.gateway.pool import ModelPool
from wva.gateway.settings import GatewaySettings, Queue, Routing, ServedModel

LONG = 3000


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def pool_of(*backends: Backend, full_load_s: float = 0.0, clock: Time | None = None, **settings: Any) -> ModelPool:
    pool = ModelPool(
        ServedModel("m", full_load_s=full_load_s),
        GatewaySettings(**settings),
        clock or Time(),
        on_hold=lambda _: None,
        on_gone=lambda _: None,
    )
    pool.place(backends)
    return pool


def replica(name: str, cost_s: float = 1.0, **fields: Any) -> Backend:
    return Backend(name, name.partition("-")[0], "http://localhost", cost_s, **fields)


def ask(tokens: float = 10, prefixes: tuple[bytes, ...] = ()) -> Ask:
    return Ask("m", 0, Flow(None, "c"), 100, tokens, prefixes, True, 0.0)


def routed(pool: ModelPool, *asks: Ask) -> list[str | None]:
    leases = [pool.acquire_now(one) for one in asks]
    return [None if lease is None else lease.backend.instance for lease in leases]


@pytest.mark.parametrize("slow", [1.0, 1.5, 2.0, 3.7, 10.0])
def test_by_speed_it_picks_what_the_simulated_gateway_picks(slow: float) -> None:
    rig = Simulated(
        variant("fast"),
        variant("slow"),
        requests=[(0, 10, LONG)] * 9,
        costs={"fast": 1.0, "slow": slow},
        fast=2,
        slow=2,
    )
    backends = [replica(name, slow if "slow" in name else 1.0) for name in ("fast-1", "fast-2", "slow-1", "slow-2")]
    assert routed(pool_of(*backends), *[ask()] * 9) == rig.until(0).routed()


@pytest.mark.parametrize("full_load_s", [0.0, 30.0, 100.0])
def test_by_the_kv_cache_it_picks_what_the_simulated_gateway_picks(full_load_s: float) -> None:
    blocks = {"tight": 100, "roomy": 1000}
    tokens = [480, 480, 160, 480, 48, 480]
    rig = Simulated(
        variant("tight"),
        variant("roomy"),
        requests=[(0.01 * place, size, LONG) for place, size in enumerate(tokens)],
        servers={name: simulated_server(kv_blocks=count) for name, count in blocks.items()},
        full_load_s=full_load_s,
        tight=1,
        roomy=1,
    )
    pool = pool_of(replica("tight-1"), replica("roomy-1"), full_load_s=full_load_s)
    for name, count in blocks.items():
        pool.read(f"{name}-1", LoadReading(0.0, waiting=0, kv_usage=0.0, kv_capacity_tokens=count * BLOCK_TOKENS))
    assert routed(pool, *[ask(size) for size in tokens]) == rig.until(0.09).routed()


def test_it_holds_where_the_simulated_gateway_holds() -> None:
    requests = [(0.01 * number, 10, LONG) for number in range(7)]
    one_at_a_time = {"v": simulated_server(max_num_seqs=1)}
    rig = Simulated(requests=requests, servers=one_at_a_time, hold_above=3, v=2).until(0.08)
    pool = pool_of(replica("v-1"), replica("v-2"), queue=Queue.GATEWAY, hold_above=3)
    assert routed(pool, *[ask()] * 7) == rig.routed() == ["v-1", "v-2"] * 3 + [None]


def test_round_robin_takes_them_in_turn_and_passes_over_who_takes_nothing() -> None:
    pool = pool_of(replica("a"), replica("b", takes_new=False), replica("c"), routing=Routing.ROUND_ROBIN)
    assert routed(pool, *[ask()] * 4) == ["a", "c", "a", "c"]


def test_who_is_short_of_memory_looks_busier() -> None:
    pool = pool_of(replica("a"), replica("b"))
    pool.read("a", LoadReading(0.0, waiting=4, waiting_for_capacity=1))
    # 32 more requests go to b before the two look alike.
    assert routed(pool, *[ask()] * 33) == ["b"] * 32 + ["a"]


@pytest.mark.parametrize(
    ("reading", "load_s"),
    [
        pytest.param(None, 1.0, id="unknown: by what is in flight"),
        pytest.param(LoadReading(0.0, kv_usage=0.5), 50.0, id="half full: half of the full load"),
        pytest.param(LoadReading(0.0, kv_usage=0.5, kv_capacity_tokens=1600), 60.0, id="with the prompt of a tenth"),
        pytest.param(LoadReading(99.0, kv_usage=0.5), 1.0, id="too old: by what is in flight"),
    ],
)
def test_the_load_is_the_fuller_of_engine_and_cache(reading: LoadReading | None, load_s: float) -> None:
    state = BackendState(replica("a"), GatewaySettings(), Time())
    if reading is not None:
        state.read(reading)
    assert state.load_s(160, 100.0) == load_s


def test_a_reading_has_the_requests_that_were_sent_before_it() -> None:
    clock = Time()
    state = BackendState(replica("a"), GatewaySettings(queue=Queue.GATEWAY, hold_above=2), clock)
    sent = [state.send(10)]
    clock.now = 1.0
    sent.append(state.send(10))
    assert not state.takes()
    clock.now = 1.2
    # Asked at 0.7 s: the first request is in it, the second is not.
    state.read(LoadReading(0.5, waiting=0))
    assert state.takes()
    state.read(LoadReading(0.5, waiting=1))
    assert not state.takes()
    for one in sent:
        state.end(one)
    assert state.takes()
    assert state.in_flight == 0
    assert state.idle.is_set()


def prefix(text: str) -> tuple[bytes, ...]:
    return prefix_hashes("m", text.encode())


def test_prompts_share_the_hashes_of_the_whole_blocks_that_they_share() -> None:
    one, other = prefix("x" * 3 * BLOCK_BYTES), prefix("x" * 2 * BLOCK_BYTES + "y" * BLOCK_BYTES)
    assert len(one) == 3
    assert one[:2] == other[:2]
    assert one[2] != other[2]
    assert prefix("x" * (BLOCK_BYTES - 1)) == ()
    assert prefix_hashes("n", b"x" * BLOCK_BYTES)[0] != one[0]


def test_the_longest_beginning_decides_and_the_oldest_are_forgotten() -> None:
    memory = PrefixMemory(3)
    memory.remember([b"1"], "a")
    memory.remember([b"1", b"2"], "b")
    memory.remember([b"1"], "c")
    assert memory.holder([b"1", b"2", b"3"]) == "b"
    assert memory.holder([b"1"]) == "c"
    memory.remember([b"4", b"5"], "d")
    assert memory.holder([b"1", b"2"]) == "c"
    assert memory.holder([b"6"]) is None


def test_a_known_beginning_goes_back_to_its_replica() -> None:
    pool = pool_of(replica("a"), replica("b"), replica("c"))
    chat, other = prefix("x" * BLOCK_BYTES), prefix("y" * BLOCK_BYTES)
    assert routed(pool, ask(), ask(), ask(), ask(prefixes=other)) == ["a", "b", "c", "a"]
    # b and c are the least loaded, but a holds the beginning and has hardly more.
    assert routed(pool, ask(prefixes=other), ask(prefixes=chat)) == ["a", "b"]


def test_affinity_never_goes_past_the_limit_of_load() -> None:
    pool = pool_of(replica("a"), replica("b"), replica("c"), affinity_limit=1.25)
    same = prefix("x" * BLOCK_BYTES)
    counts = {"a": 0, "b": 0, "c": 0}
    for _ in range(300):
        (chosen,) = routed(pool, ask(prefixes=same))
        # Before it got this one: at most 1.25 times the least load plus one request.
        assert counts[str(chosen)] + 1 <= 1.25 * (min(counts.values()) + 1) + 1
        counts[str(chosen)] += 1
    assert sum(counts.values()) == 300


def test_a_beginning_whose_replica_drains_goes_elsewhere() -> None:
    pool = pool_of(replica("a"), replica("b"))
    same = prefix("x" * BLOCK_BYTES)
    assert routed(pool, ask(prefixes=same)) == ["a"]
    pool.place([replica("a", takes_new=False), replica("b")])
    assert routed(pool, ask(prefixes=same), ask(prefixes=same)) == ["b", "b"]

"""Where requests wait: in a replica's queue, or at the gateway, which sees the replicas' queues up to 100 ms late."""

import pytest

from tests.simulate.fleets import Rig, ps, server

ONE_AT_A_TIME = {"v": server(max_num_seqs=1)}
"""A server whose queue is all but one of what it was sent."""

TEN_SECONDS = 1000


def sent_s(rig: Rig, count: int) -> list[float | None]:
    """When each request went to a replica; None while it is held."""
    records = [rig.record(request) for request in range(count)]
    return [record["enqueued"] / ps(1) if record["replica"] >= 0 else None for record in records]


def test_the_gateway_holds_what_finds_the_queue_full_and_sends_it_when_a_reading_shows_room() -> None:
    requests = [(0.05, 10, TEN_SECONDS), (0.06, 10, 5), (0.07, 10, 5), (0.11, 10, 5)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, hold_above=2, v=1)
    rig.until(0.099)
    # The first runs, but until the next reading the gateway counts it and the second as waiting: it sent both.
    assert sent_s(rig, 3) == [0.05, 0.06, None]
    rig.until(0.1)
    # The reading at 0.1 s shows one waiting.
    assert sent_s(rig, 3) == [0.05, 0.06, 0.1]
    rig.until(10.099)
    assert sent_s(rig, 4) == [0.05, 0.06, 0.1, None]
    assert rig.held() == 1
    # The first is done at 10.05 s, which the gateway sees at 10.1 s.
    rig.until(10.1)
    assert sent_s(rig, 4) == [0.05, 0.06, 0.1, 10.1]
    assert rig.held() == 0


def test_a_queue_that_has_grown_since_the_last_reading_is_not_seen_yet() -> None:
    # 4 blocks hold two sequences of 32 tokens. At 0.17 s both need a third block, so the newest is preempted.
    servers = {"v": server(kv_blocks=4)}
    requests = [(0, 16, 30), (0, 16, 30), (0.175, 16, 1), (0.195, 16, 1), (0.196, 16, 1), (0.205, 16, 1)]
    rig = Rig(requests=requests, servers=servers, hold_above=2, v=1)
    rig.until(0.18)
    assert rig.record(1)["preemptions"] == 1
    rig.until(0.205)
    # The reading at 0.1 s showed an empty queue, so two more are sent, though three wait from 0.195 s on.
    assert sent_s(rig, 6)[2:4] == [0.175, 0.195]
    # What the gateway itself has sent it knows, and at 0.2 s it sees all three.
    assert sent_s(rig, 6)[4:] == [None, None]


def test_a_queue_that_has_shrunk_since_the_last_reading_is_not_seen_yet() -> None:
    requests = [(0, 10, 15), (0, 10, 30), (0.12, 10, 5)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, hold_above=1, v=1)
    # The second is held until the reading at 0.1 s, and waits until the first is done at 0.15 s.
    rig.until(0.199)
    assert sent_s(rig, 3) == [0.0, 0.1, None]
    assert rig.first_token_s(1) == 0.16
    rig.until(0.2)
    assert sent_s(rig, 3) == [0.0, 0.1, 0.2]


def test_what_waits_at_the_gateway_goes_in_order_of_arrival() -> None:
    requests = [(0, 10, 100)] + [(0.01 * n, 10, 5) for n in range(1, 8)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, hold_above=1, v=1).until(10)
    times = [time for time in sent_s(rig, 8) if time is not None]
    assert len(times) == 8
    assert times == sorted(times)
    assert [rig.first_token_s(n) for n in range(1, 8)] == sorted(rig.first_token_s(n) or 0 for n in range(1, 8))


def test_a_newcomer_does_not_pass_those_that_wait() -> None:
    # At 1.05 s the replica is free and so seen only at 1.1 s; who comes at 1.07 s is behind who came at 0.5 s.
    requests = [(0, 10, 105), (0.5, 10, 5), (0.6, 10, 5), (1.13, 10, 5)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, hold_above=1, v=1).until(2)
    assert sent_s(rig, 4) == [0.0, 0.5, 1.1, 1.2]


def test_the_gateway_holds_only_while_every_ready_replica_is_full() -> None:
    requests = [(0.01 * n, 10, TEN_SECONDS) for n in range(7)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, hold_above=3, v=2).until(0.08)
    assert rig.routed() == ["v-1", "v-2", "v-1", "v-2", "v-1", "v-2", None]


def test_a_new_replica_gets_the_backlog_of_the_gateway() -> None:
    requests = [(float(n), 10, 5000) for n in range(6)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, hold_above=1, v=1).until(6)
    rig.scale(v=2)
    rig.until(15.999)
    assert rig.routed() == ["v-1", "v-1", None, None, None, None]
    rig.until(16)
    # The gateway sends one at once, and the next with each reading that shows nothing waiting.
    assert rig.routed() == ["v-1", "v-1", "v-2", None, None, None]
    assert rig.record(2)["enqueued"] == ps(16)
    rig.until(17)
    assert rig.routed() == ["v-1", "v-1", "v-2", "v-2", None, None]


def test_a_new_replica_gets_nothing_of_what_waits_in_an_engine() -> None:
    requests = [*((float(n), 10, TEN_SECONDS) for n in range(6)), (17, 10, 5)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, v=1).until(6)
    assert rig.held() == 0
    rig.scale(v=2)
    rig.until(50)
    assert rig.routed() == ["v-1"] * 6 + ["v-2"]
    assert rig.first_token_s(4) == 40.01
    assert rig.first_token_s(6) == 17.01


@pytest.mark.parametrize(
    ("hold_above", "first_tokens"),
    [
        pytest.param(None, [30.01, 30.01, 30.01, 30.01], id="engine: all at once"),
        pytest.param(4, [30.01, 30.01, 30.01, 30.01], id="gateway with room for all: all at once"),
        pytest.param(2, [30.01, 30.01, 30.11, 30.11], id="gateway with room for two: two a reading"),
    ],
)
def test_without_a_ready_replica_requests_wait_and_are_served_on_readiness(
    hold_above: int | None, first_tokens: list[float]
) -> None:
    rig = Rig(requests=[(float(n), 10, 5) for n in range(4)], hold_above=hold_above, v=0).until(20)
    assert rig.held() == 4
    rig.scale(v=1)
    rig.until(40)
    assert rig.held() == 0
    assert [rig.first_token_s(n) for n in range(4)] == first_tokens


def test_what_comes_while_the_last_replica_drains_waits_for_the_next() -> None:
    rig = Rig(requests=[(0, 10, 1000), (2, 10, 5)], v=1).until(1)
    rig.scale(v=0)
    rig.until(5)
    assert rig.held() == 1
    rig.scale(v=1)
    rig.until(20)
    assert rig.statuses() == ["completed", "completed"]
    assert rig.first_token_s(1) == 15.01


def test_what_comes_while_the_only_replica_is_down_is_not_lost() -> None:
    rig = Rig(requests=[(2, 10, 5)], hold_above=1, v=1).until(1)
    rig.crash()
    rig.until(20)
    assert rig.first_token_s(0) == 11.01

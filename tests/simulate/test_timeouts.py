"""Clients that leave: after a time without a first token, or without the last."""

import pytest

from tests.simulate.fleets import Rig, server, variant

ONE_AT_A_TIME = {"v": server(max_num_seqs=1)}


@pytest.mark.parametrize(
    ("timeout_s", "status", "finish_s"),
    [
        pytest.param(0.009, "first token timeout", 1.009, id="just before the first token"),
        pytest.param(0.01, "completed", 1.05, id="a first token at its deadline is in time"),
        pytest.param(0.011, "completed", 1.05, id="later there is no such timeout"),
    ],
)
def test_first_token_timeout(timeout_s: float, status: str, finish_s: float) -> None:
    rig = Rig(requests=[(1, 10, 5)], first_token_timeout_s=timeout_s, v=1).until(5)
    assert (rig.status(0), rig.finish_s(0)) == (status, finish_s)


@pytest.mark.parametrize(
    ("timeout_s", "status", "finish_s"),
    [
        pytest.param(0.044, "total timeout", 1.044, id="in the middle of the last step"),
        pytest.param(0.05, "completed", 1.05, id="a last token at its deadline is in time"),
        pytest.param(0.005, "total timeout", 1.005, id="before the first token too"),
    ],
)
def test_total_timeout(timeout_s: float, status: str, finish_s: float) -> None:
    rig = Rig(requests=[(1, 10, 5)], total_timeout_s=timeout_s, v=1).until(5)
    assert (rig.status(0), rig.finish_s(0)) == (status, finish_s)


@pytest.mark.parametrize(
    ("hold_above", "ready"),
    [
        pytest.param(None, 1, id="in the engine's queue"),
        pytest.param(1, 1, id="held at the gateway"),
        pytest.param(None, 0, id="without any replica"),
    ],
)
def test_a_client_leaves_wherever_its_request_waits(hold_above: int | None, ready: int) -> None:
    requests = [(0, 10, 1000), (0.05, 10, 5), (0.5, 10, 5), (0.75, 10, 5)]
    rig = Rig(requests=requests, servers=ONE_AT_A_TIME, first_token_timeout_s=2.0, hold_above=hold_above, v=ready)
    rig.until(2.4)
    assert rig.statuses()[1:] == ["first token timeout", "active", "active"]
    rig.until(20)
    assert rig.statuses() == ["completed" if ready else "first token timeout"] + ["first token timeout"] * 3
    assert [rig.finish_s(n) for n in range(1, 4)] == [2.05, 2.5, 2.75]
    assert rig.held() == 0


def test_the_earlier_of_both_timeouts_wins() -> None:
    requests = [(0, 10, 1000), (0, 10, 5)]
    both = Rig(requests=requests, servers=ONE_AT_A_TIME, first_token_timeout_s=2.0, total_timeout_s=5.0, v=1).until(9)
    assert both.statuses() == ["total timeout", "first token timeout"]
    assert [both.finish_s(n) for n in range(2)] == [5.0, 2.0]


def test_a_request_that_timed_out_frees_its_memory_at_the_next_step() -> None:
    # 20 blocks. The first holds at least 7 of them and the second needs 15, so it waits until the first has left.
    rig = Rig(
        requests=[(0, 96, 500), (0.5, 240, 5)],
        servers={"v": server(kv_blocks=20)},
        total_timeout_s=1.003,
        v=1,
    )
    rig.until(1.003)
    rig.scrape()
    metrics = rig.metrics("v-1")
    assert metrics is not None
    # 196 tokens in 13 blocks: the client is gone, but the step that it was in is not over.
    assert (metrics.running, metrics.waiting, metrics.kv_usage) == (1, 1, 13 / 20)
    assert rig.in_flight("v-1") == 1
    rig.until(1.01)
    rig.scrape()
    metrics = rig.metrics("v-1")
    assert metrics is not None
    assert (metrics.running, metrics.waiting, metrics.kv_usage) == (1, 0, 15 / 20)
    assert rig.first_token_s(1) is None
    rig.until(1.02)
    assert rig.first_token_s(1) == 1.02


def test_a_timeout_shortens_nobody_elses_answer() -> None:
    rig = Rig(requests=[(0, 10, 200), (0, 10, 100), (0.5, 10, 100)], total_timeout_s=1.5, v=1).until(5)
    assert rig.statuses() == ["total timeout", "completed", "completed"]
    assert [rig.finish_s(n) for n in range(3)] == [1.5, 1.0, 1.5]
    assert rig.record(0)["produced"] == 150


def test_in_flight_counts_what_was_sent_and_has_not_ended() -> None:
    # At 0 a long and a short one, at 1 one that waits for its turn in vain, at 2 one too long for any.
    rig = Rig(
        variant("v"),
        requests=[(0, 10, 1000), (0, 10, 50), (1, 10, 5), (2, 20_000, 5), (8, 10, 300)],
        servers={"v": server(max_num_seqs=1)},
        first_token_timeout_s=5.0,
        v=1,
    )
    counts = {}
    for time_s in (0.0, 1.0, 2.0, 4.999, 5.0, 5.999, 6.0, 8.0, 9.999, 10.0, 12.999, 13.0):
        rig.until(time_s)
        counts[time_s] = rig.in_flight("v-1")
    assert rig.statuses() == ["completed", *["first token timeout"] * 2, "too long", "completed"]
    assert counts == {
        0.0: 2,
        1.0: 3,
        2.0: 3,
        4.999: 3,
        5.0: 2,
        5.999: 2,
        6.0: 1,
        8.0: 2,
        9.999: 2,
        10.0: 1,
        12.999: 1,
        13.0: 0,
    }

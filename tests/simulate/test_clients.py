"""How clients send: as many at once as they may, and until the window ends."""

import pytest

from tests.simulate.fleets import Rig, server, variant
from tests.simulate.runs import Scripted, asked, setting, statuses
from wva.engine.batch.state import PICOSECONDS
from wva.simulate.result import RunResult
from wva.simulate.run import simulate

# A request of 10 tokens and 100 more takes 1 s: its prompt 10 ms, and each further token 10 ms.
LONG = (10, 100)


def arrivals_s(rig: Rig) -> list[float]:
    return [int(request["arrival"]) / PICOSECONDS for request in rig.world.engines.requests]


def finished(result: RunResult) -> list[float]:
    return [int(request["finish"]) / PICOSECONDS for request in result.requests]


def test_at_the_limit_a_request_that_is_due_is_sent_when_another_ends() -> None:
    # Two at a time on an engine that has room for all: the third waits for the first end at 1 s. The fourth is due
    # when one place is free and comes on time.
    rig = Rig(requests=[(0, *LONG), (0.5, *LONG), (0.6, *LONG), (2.2, *LONG)], max_concurrency=2, v=1).until(9)
    assert arrivals_s(rig) == [0.0, 0.5, 1.0, 2.2]
    assert rig.statuses() == ["completed"] * 4
    assert rig.finish_s(2) == 2.0, "counted from when it was sent"


def test_what_was_held_back_is_sent_at_once_and_in_order() -> None:
    rig = Rig(requests=[(0, *LONG), (0.1, *LONG), (0.2, *LONG)], max_concurrency=1, v=1).until(9)
    assert arrivals_s(rig) == [0.0, 1.0, 2.0]


def test_requests_held_by_the_gateway_are_outstanding() -> None:
    rig = Rig(requests=[(0, *LONG), (0, *LONG), (0, *LONG)], hold_above=1, max_concurrency=2, v=0).until(5)
    assert (rig.held(), rig.statuses()) == (2, ["active", "active", "to come"])


def test_a_place_is_free_when_a_client_leaves() -> None:
    rig = Rig(requests=[(0, *LONG), (0.1, *LONG)], max_concurrency=1, total_timeout_s=0.5, v=1).until(9)
    assert rig.statuses() == ["total timeout", "total timeout"]
    assert arrivals_s(rig) == [0.0, 0.5]


def test_a_place_is_free_when_a_replica_crashes() -> None:
    rig = Rig(requests=[(0, *LONG), (0.1, *LONG)], max_concurrency=1, v=2).until(0.4)
    rig.fleet.crash(0, round(0.4 * PICOSECONDS))
    rig.until(9)
    assert rig.statuses() == ["crashed", "completed"]
    assert arrivals_s(rig) == [0.0, 0.4]


@pytest.mark.parametrize(
    ("timeout_s", "ends"),
    [
        # The first ends at 1 s and the second joins the batch, which the gateway reads a tenth of a second later.
        pytest.param(1.099, ["completed", "queue timeout"], id="still held"),
        pytest.param(1.101, ["completed", "completed"], id="sent just before"),
    ],
)
def test_the_gateway_drops_what_it_has_held_for_too_long(timeout_s: float, ends: list[str]) -> None:
    # One at a time, and one more may wait in the engine: the third request is held until the first has ended.
    requests = [(0, *LONG), (0, *LONG), (0, *LONG)]
    one = {"v": server(max_num_seqs=1)}
    rig = Rig(requests=requests, servers=one, hold_above=1, queue_timeout_s=timeout_s, v=1).until(0.9)
    assert rig.held() == 1
    rig.until(9)
    assert rig.statuses() == ["completed", *ends]
    if ends[1] == "queue timeout":
        assert rig.finish_s(2) == timeout_s


def test_what_an_engine_holds_is_never_dropped() -> None:
    one = {"v": server(max_num_seqs=1)}
    rig = Rig(requests=[(0, *LONG), (0, *LONG)], servers=one, hold_above=5, queue_timeout_s=0.5, v=1).until(9)
    assert rig.statuses() == ["completed"] * 2


def test_a_full_cache_holds_as_a_full_queue_does() -> None:
    # After half a second the first request has 155 + 50 tokens in 13 of 20 blocks, which is 0.65 of the cache: nothing
    # more is sent until it has ended at 1 s and that was read at 1.1 s, though nothing waits in the engine.
    requests = [(0, 155, 100), (0.5, 16, 5)]
    small = {"v": server(kv_blocks=20)}
    free = Rig(requests=requests, servers=small, hold_above=5, v=1).until(9)
    assert free.first_token_s(1) == pytest.approx(0.51)
    full = Rig(requests=requests, servers=small, hold_above=5, hold_above_kv=0.65, v=1).until(1.09)
    assert full.held() == 1
    assert full.until(9).first_token_s(1) == pytest.approx(1.11)


CUT = {"max_concurrency": 2, "at_end": "cancel"}


def run(clients: dict[str, object]) -> RunResult:
    """Five requests of 1 s, due at once, in a window of 2.5 s."""
    small = setting(variant(), initial={"v": 1}, clients=clients)
    return simulate(small, asked(small, [(0, *LONG)] * 5, 2.5), Scripted(script={"v": [(0, 1)]}), 1)


def test_at_the_end_of_the_window_clients_leave() -> None:
    result = run(CUT)
    assert statuses(result) == ["completed"] * 4 + ["incomplete"]
    assert finished(result) == [1.0, 1.0, 2.0, 2.0, 2.5]
    # The last one was sent at 2 s: its prompt and 49 steps of 10 ms.
    assert result.requests["produced"].tolist() == [100] * 4 + [50]
    assert result.end_s == 2.5
    assert result.use[0].billed_hours == pytest.approx(2.5 / 3600)


def test_clients_leave_wherever_their_requests_wait() -> None:
    one_at_a_time = setting(
        variant(),
        servers={"v": server(max_num_seqs=1)},
        initial={"v": 1},
        clients={"at_end": "cancel"},
        gateway={"queue": "gateway", "hold_above": 1},
    )
    result = simulate(one_at_a_time, asked(one_at_a_time, [(0, *LONG)] * 3, 0.5), Scripted(script={"v": [(0, 1)]}), 1)
    assert statuses(result) == ["incomplete"] * 3
    assert finished(result) == [0.5] * 3
    assert result.requests["produced"].tolist() == [50, 0, 0]


def test_what_was_not_sent_by_the_end_of_the_window_is_not_offered() -> None:
    result = run({**CUT, "max_concurrency": 1})
    assert statuses(result) == ["completed", "completed", "incomplete"]
    waiting = run({"max_concurrency": 1})
    assert statuses(waiting) == ["completed"] * 3
    assert finished(waiting) == [1.0, 2.0, 3.0]
    assert result.attainable.tolist() == waiting.attainable.tolist() == [True] * 3


def test_without_a_limit_everything_is_sent_as_it_is_due() -> None:
    assert statuses(run({"at_end": "cancel"})) == ["completed"] * 5

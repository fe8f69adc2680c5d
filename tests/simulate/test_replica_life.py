"""A replica from its order to its release: stock, start, readiness, draining, crash, and who goes first."""

import pytest

from tests.simulate.fleets import Rig, ps, server, variant

SMALL = variant("small", gpus=1)
LARGE = variant("large", gpus=4)


def test_a_start_takes_as_long_as_its_variant_says() -> None:
    rig = Rig(variant("fast", startup_s=5), variant("slow", startup_s=20)).until(100)
    rig.scale(fast=1, slow=1)
    assert rig.phases() == {"fast-1": "starting", "slow-1": "starting"}
    rig.until(104.999)
    assert rig.phases() == {"fast-1": "starting", "slow-1": "starting"}
    rig.until(105)
    assert rig.phases() == {"fast-1": "ready", "slow-1": "starting"}
    rig.until(120)
    assert rig.phases() == {"fast-1": "ready", "slow-1": "ready"}


def test_a_replica_is_dated_by_its_order_its_start_and_its_readiness() -> None:
    rig = Rig(variant("other"), variant(startup_s=10), nodes=[("gpu", 1, 1)], other=1).until(100)
    rig.scale(v=1)
    one = rig.replica("v-1")
    assert (one.ordered_at, one.started_at, one.since) == (ps(100), None, ps(100))
    assert one.reason == "waiting for stock"
    rig.until(110)
    rig.scale(other=0)
    assert (one.ordered_at, one.started_at, one.since) == (ps(100), ps(110), ps(110))
    assert rig.replica("v-1").reason is None
    rig.until(130)
    assert (one.ordered_at, one.started_at, one.ready_at, one.since) == (ps(100), ps(110), ps(120), ps(120))


def test_a_crash_begins_another_start() -> None:
    rig = Rig(variant(startup_s=10), v=0).until(100)
    rig.scale(v=1)
    rig.until(130)
    rig.crash()
    one = rig.replica("v-1")
    assert (one.ordered_at, one.started_at, one.since, one.reason) == (ps(100), ps(130), ps(130), "crashed")
    rig.until(150)
    assert (one.ordered_at, one.started_at, one.ready_at, one.since) == (ps(100), ps(130), ps(140), ps(140))
    assert rig.replica("v-1").reason is None


@pytest.mark.parametrize(
    ("nodes", "asked", "started"),
    [
        pytest.param([("gpu", 4, 1)], 6, 4, id="as many as the node has GPUs"),
        pytest.param([("gpu", 1, 3)], 5, 3, id="one a node"),
        pytest.param([("other", 8, 1)], 1, 0, id="another accelerator does not serve"),
        pytest.param(None, 9, 9, id="without nodes there is no limit"),
    ],
)
def test_what_does_not_fit_waits_for_stock(nodes: list[tuple[str, int, int]] | None, asked: int, started: int) -> None:
    rig = Rig(SMALL, nodes=nodes)
    rig.scale(small=asked)
    phases = list(rig.phases().values())
    assert phases == ["starting"] * started + ["pending"] * (asked - started)


def test_a_replica_does_not_span_nodes() -> None:
    rig = Rig(LARGE, nodes=[("gpu", 3, 2), ("gpu", 4, 1)])
    rig.scale(large=2)
    assert rig.phases() == {"large-1": "starting", "large-2": "pending"}


def test_small_replicas_fill_the_fullest_node_so_that_a_large_one_still_fits() -> None:
    rig = Rig(SMALL, LARGE, nodes=[("gpu", 4, 2)])
    rig.scale(small=3)
    rig.scale(large=1)
    assert rig.phases()["large-1"] == "starting"


def test_replicas_that_wait_start_in_order_as_stock_frees() -> None:
    rig = Rig(SMALL, nodes=[("gpu", 1, 2)], small=2)
    rig.scale(small=4)
    rig.until(50)
    assert rig.phases() == {"small-1": "ready", "small-2": "ready", "small-3": "pending", "small-4": "pending"}
    rig.crash("small")
    rig.until(51)
    assert rig.phases()["small-3"] == "pending", "a crashed replica keeps its hardware"


def test_a_smaller_one_passes_a_larger_one_that_does_not_fit() -> None:
    rig = Rig(SMALL, LARGE, nodes=[("gpu", 4, 1)], small=4)
    rig.scale(large=1)
    rig.scale(small=5)
    rig.until(5)
    assert rig.phases() == {
        **{f"small-{n}": "ready" for n in range(1, 5)},
        "large-1": "pending",
        "small-5": "pending",
    }
    rig.scale(small=3)
    rig.until(6)
    # The waiting small one and the newest ready ones went; one GPU is free, the large one needs four.
    assert rig.phases() == {"small-1": "ready", "small-2": "ready", "small-3": "ready", "large-1": "pending"}
    rig.scale(small=4)
    assert rig.phases()["small-6"] == "starting"
    rig.until(7)
    rig.scale(small=0)
    assert rig.phases() == {"large-1": "starting"}


def test_when_stock_frees_all_that_fit_start_past_those_that_do_not() -> None:
    rig = Rig(variant("a", gpus=2), LARGE, SMALL, nodes=[("gpu", 4, 1)], a=2).until(1)
    rig.scale(large=1)
    rig.scale(small=3)
    rig.scale(a=1)
    assert rig.phases() == {
        "a-1": "ready",
        "large-1": "pending",
        "small-1": "starting",
        "small-2": "starting",
        "small-3": "pending",
    }


def test_the_one_that_has_waited_longest_starts_first() -> None:
    rig = Rig(variant("a"), variant("b"), nodes=[("gpu", 1, 2)], a=2)
    rig.scale(b=1)
    rig.until(1)
    rig.scale(b=3)
    rig.until(2)
    rig.scale(a=1)
    assert rig.phases() == {"a-1": "ready", "b-1": "starting", "b-2": "pending", "b-3": "pending"}
    rig.until(3)
    rig.scale(a=0)
    assert rig.phases() == {"b-1": "starting", "b-2": "starting", "b-3": "pending"}
    assert rig.replica("b-2").started_at == ps(3)


def test_initial_replicas_beyond_the_stock_wait_and_then_take_a_whole_start() -> None:
    rig = Rig(variant("a"), variant("b", startup_s=10), nodes=[("gpu", 1, 2)], a=1, b=2)
    assert rig.phases() == {"a-1": "ready", "b-1": "ready", "b-2": "pending"}
    rig.until(100)
    rig.scale(a=0)
    rig.until(109)
    assert rig.phases()["b-2"] == "starting"
    rig.until(110)
    assert rig.phases()["b-2"] == "ready"


def test_a_draining_replica_takes_nothing_new_and_finishes_what_it_has() -> None:
    # Two requests of 3 s, one on each replica; then one replica goes, and two more requests come.
    requests = [(0, 10, 300), (0, 10, 300), (1.5, 10, 100), (1.5, 10, 100)]
    rig = Rig(requests=requests, v=2).until(1)
    rig.scale(v=1)
    assert rig.phases() == {"v-1": "ready", "v-2": "draining"}
    rig.until(2)
    assert rig.routed() == ["v-1", "v-2", "v-1", "v-1"]
    rig.until(2.999)
    assert rig.phases() == {"v-1": "ready", "v-2": "draining"}
    rig.until(3)
    assert rig.phases() == {"v-1": "ready"}
    assert rig.statuses() == ["completed"] * 4
    assert [rig.finish_s(n) for n in range(4)] == [3.0, 3.0, 2.5, 2.5]


def test_a_replica_with_nothing_to_finish_is_released_at_once() -> None:
    rig = Rig(v=2).until(1)
    rig.scale(v=1)
    assert rig.phases() == {"v-1": "ready"}


def test_a_drained_replica_frees_its_hardware_for_the_next_in_the_same_instant() -> None:
    rig = Rig(variant("a"), variant("b"), requests=[(0, 10, 300)], nodes=[("gpu", 1, 1)], a=1).until(1)
    rig.scale(b=1, a=0)
    rig.until(2.999)
    assert rig.phases() == {"a-1": "draining", "b-1": "pending"}
    rig.until(3)
    assert rig.phases() == {"b-1": "starting"}
    assert rig.replica("b-1").started_at == ps(3)


def test_two_replicas_that_empty_in_one_instant_are_both_released() -> None:
    rig = Rig(requests=[(0, 10, 100), (0, 10, 100)], v=2).until(0.5)
    rig.scale(v=0)
    rig.until(1)
    assert rig.phases() == {}


def test_a_replica_whose_clients_have_all_left_is_released_at_the_next_step() -> None:
    rig = Rig(requests=[(0, 10, 1000)], total_timeout_s=1.003, v=1).until(0.5)
    rig.scale(v=0)
    rig.until(1.009)
    assert rig.statuses() == ["total timeout"]
    assert rig.phases() == {"v-1": "draining"}
    rig.until(1.01)
    assert rig.phases() == {}


def test_a_crash_fails_what_is_in_flight_and_the_replica_starts_anew() -> None:
    # One request runs, one has its prompt computed next, one comes while the replica is down.
    rig = Rig(
        requests=[(0, 10, 1000), (0.995, 10, 5), (5, 10, 5)],
        servers={"v": server(max_num_seqs=1)},
        nodes=[("gpu", 1, 1)],
        v=1,
    ).until(1)
    rig.crash()
    assert rig.phases() == {"v-1": "starting"}
    assert rig.replica("v-1").reason == "crashed"
    assert rig.desired() == 1
    rig.until(20)
    assert rig.phases() == {"v-1": "ready"}
    assert rig.statuses() == ["crashed", "crashed", "completed"]
    assert [rig.finish_s(n) for n in range(3)] == [1.0, 1.0, 11.05]
    assert rig.in_flight("v-1") == 0


def test_a_crash_takes_the_replica_that_has_been_ready_longest() -> None:
    rig = Rig(v=1).until(1)
    rig.scale(v=3)
    rig.until(20)
    rig.crash()
    assert rig.phases() == {"v-1": "starting", "v-2": "ready", "v-3": "ready"}
    rig.crash()
    assert rig.phases() == {"v-1": "starting", "v-2": "starting", "v-3": "ready"}
    rig.until(40)
    rig.crash()
    assert rig.phases() == {"v-1": "ready", "v-2": "ready", "v-3": "starting"}


def test_a_crash_without_a_ready_replica_changes_nothing() -> None:
    rig = Rig(v=0)
    rig.scale(v=1)
    rig.until(1)
    rig.crash()
    assert rig.phases() == {"v-1": "starting"}
    assert rig.replica("v-1").ready_at == ps(10)


def test_a_crashed_replica_can_be_stopped_while_it_starts() -> None:
    rig = Rig(nodes=[("gpu", 1, 1)], v=1).until(1)
    rig.crash()
    rig.until(2)
    rig.scale(v=0)
    assert rig.phases() == {}
    rig.scale(v=1)
    rig.until(11.5)
    assert rig.phases() == {"v-2": "starting"}, "the start of the one that was stopped is forgotten"
    rig.until(12)
    assert rig.phases() == {"v-2": "ready"}


def all_phases() -> Rig:
    """Two that are ready since 0, one since 20 and one since 30, two that start, and two that wait for stock."""
    rig = Rig(nodes=[("gpu", 6, 1)], v=2).until(10)
    rig.scale(v=3)
    rig.until(20)
    rig.scale(v=4)
    rig.until(50)
    rig.scale(v=5)
    rig.until(51)
    rig.scale(v=8)
    rig.until(52)
    assert list(rig.phases().values()) == ["ready"] * 4 + ["starting"] * 2 + ["pending"] * 2
    return rig


@pytest.mark.parametrize(
    ("target", "stay"),
    [
        (7, "v-1 v-2 v-3 v-4 v-5 v-6 v-7"),
        (6, "v-1 v-2 v-3 v-4 v-5 v-6"),
        (5, "v-1 v-2 v-3 v-4 v-5"),
        (4, "v-1 v-2 v-3 v-4"),
        (3, "v-1 v-2 v-3"),
        (2, "v-1 v-2"),
        (1, "v-1"),
        (0, ""),
    ],
)
def test_a_shrink_takes_pending_then_starting_then_the_newest_ready(target: int, stay: str) -> None:
    rig = all_phases()
    rig.scale(v=target)
    assert " ".join(rig.phases()) == stay
    assert rig.desired() == target


def test_a_replica_that_crashed_counts_as_new() -> None:
    rig = Rig(v=2).until(10)
    rig.crash()
    rig.until(30)
    assert rig.phases() == {"v-1": "ready", "v-2": "ready"}
    rig.scale(v=1)
    assert rig.phases() == {"v-2": "ready"}


def test_victims_are_of_the_variant_that_shrinks() -> None:
    rig = Rig(variant("a"), variant("b"), a=2, b=2).until(1)
    rig.scale(a=1)
    assert rig.phases() == {"a-1": "ready", "b-1": "ready", "b-2": "ready"}


def test_replicas_are_told_apart_over_the_whole_run() -> None:
    rig = Rig(v=1).until(1)
    rig.scale(v=0)
    rig.scale(v=2)
    assert list(rig.phases()) == ["v-2", "v-3"]


def test_more_replicas_than_rows_only_start_for_longer() -> None:
    # Two rows: one replica drains for 30 s in each, so the third can serve only when one of them is gone and scraped.
    rig = Rig(requests=[(0, 10, 3000), (0, 10, 3000), (1, 10, 5)], rows=2, v=2).until(1)
    rig.scale(v=0)
    rig.scale(v=1)
    rig.until(25)
    assert rig.phases() == {"v-1": "draining", "v-2": "draining", "v-3": "starting"}
    rig.until(31)
    rig.scrape()
    rig.until(32)
    assert rig.phases() == {"v-3": "ready"}
    assert rig.statuses() == ["completed"] * 3
    assert rig.replica("v-3").ready_at == ps(31)

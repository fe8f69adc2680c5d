"""What a policy sees of a model's traffic at the gateway."""

import pytest

from tests.simulate.fleets import Rig, server, variant
from wva.fleet.observation import Traffic


def traffic(rig: Rig, model: int = 0) -> Traffic:
    seen = rig.observe().models[model].traffic
    assert seen is not None
    return seen


def test_nothing_is_known_before_the_first_scrape() -> None:
    assert Rig(v=1).until(5).observe().models[0].traffic is None


def test_counts_bytes_and_failures_are_those_of_the_newest_scrape() -> None:
    # Served; too long; timed out in the queue; crashed; served after the scrape.
    rig = Rig(
        variant(startup_s=1),
        requests=[(0, 10, 5), (1, 9999, 5), (1, 10_000, 5), (1, 30, 5), (3, 50, 500), (9, 70, 5)],
        servers={"v": server(max_num_seqs=1)},
        first_token_timeout_s=20,
        v=1,
    ).until(4)
    rig.crash()
    rig.until(8).scrape()
    rig.until(10)
    now = traffic(rig)
    assert rig.statuses() == ["completed", "truncated", "too long", "completed", "crashed", "completed"]
    assert now.arrivals_total == 5
    assert now.arrived_bytes_total == 4 * (10 + 9999 + 10_000 + 30 + 50)
    assert now.failed_total == 2


def test_what_waits_at_the_gateway_is_shown_with_its_bytes() -> None:
    requests = [(0, 10, 5), (1, 20, 5), (2, 30, 5)]
    rig = Rig(requests=requests, first_token_timeout_s=1.5, v=0)
    shown = []
    for time_s in (0.5, 1.2, 1.6, 2.2, 9.0):
        rig.until(time_s).scrape()
        seen = traffic(rig)
        shown.append((seen.queue_requests, seen.queue_bytes, seen.failed_total))
    assert shown == [(1, 40, 0), (2, 120, 0), (1, 80, 1), (2, 200, 1), (0, 0, 3)]


def test_in_flight_is_what_was_sent_and_has_not_ended_wherever_it_runs() -> None:
    rig = Rig(requests=[(0, 10, 1000), (0, 10, 900), (1, 10, 100)], v=2)
    shown = []
    for time_s in (0.5, 1.5, 2.5):
        rig.until(time_s).scrape()
        shown.append(traffic(rig).in_flight)
    rig.scale(v=1)
    assert "draining" in rig.phases().values()
    for time_s in (3.0, 9.5, 10.5):
        rig.until(time_s).scrape()
        shown.append(traffic(rig).in_flight)
    assert shown == [2, 3, 2, 2, 1, 0]


def test_models_have_their_own_traffic() -> None:
    rig = Rig(
        variant("a", model="one"),
        variant("b", model="two"),
        requests=[(0, 10, 5000, "one"), (0, 20, 5, "two"), (1, 30, 5, "two")],
        a=1,
    )
    rig.until(2).scrape()
    one, two = traffic(rig, 0), traffic(rig, 1)
    assert (one.arrivals_total, one.in_flight, one.queue_requests) == (1, 1, 0)
    assert (two.arrivals_total, two.in_flight, two.queue_requests, two.queue_bytes) == (2, 0, 2, 200)


def test_rates_are_over_the_last_minute_and_the_last_five() -> None:
    # A request of 25 tokens every second for five minutes, then one of 50 tokens every half second.
    requests: list[tuple[float, int, int]] = [(second + 0.5, 25, 1) for second in range(300)]
    requests += [(300.25 + half / 2, 50, 1) for half in range(240)]
    rig = Rig(requests=requests, scrape_s=20, v=1)
    seen = {}
    for time_s in range(0, 420, 20):
        rig.until(time_s + 10).scrape()
        now = traffic(rig)
        seen[time_s + 10] = (
            now.arrival_rate_1m,
            now.arrival_rate_5m,
            now.arrived_bytes_rate_1m,
            now.arrived_bytes_rate_5m,
        )
    assert seen[10] == (None, None, None, None)
    assert seen[30] == pytest.approx((1, 1, 100, 100))
    assert seen[290] == pytest.approx((1, 1, 100, 100))
    # From 290 s to 350 s: 10 at the old rate and 100 at the new; from 50 s to 350 s: 250 and 100.
    assert seen[350] == pytest.approx((110 / 60, 350 / 300, (1000 + 20_000) / 60, (25_000 + 20_000) / 300))
    assert seen[410] == pytest.approx((2, (190 + 220) / 300, 400, (19_000 + 44_000) / 300))

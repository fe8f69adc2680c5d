"""The 90th percentiles of latency that a policy sees: from histograms, over the answers that ended in a minute.

A step of these servers takes 10 ms: an answer of ``n`` tokens has its first 10 ms after its request joins a batch, and
each further one 10 ms later, unless it waits.
"""

import pytest

from tests.simulate.fleets import Rig, server, variant
from tests.simulate.test_traffic import traffic


def seen(rig: Rig, time_s: float) -> tuple[float | None, float | None]:
    """(P90 of TTFT, P90 of TPOT) in seconds after a scrape at that time."""
    rig.until(time_s).scrape()
    shown = traffic(rig)
    return shown.ttft_p90_1m_s, shown.tpot_p90_1m_s


def test_before_two_scrapes_and_before_an_answer_has_ended_nothing_is_known() -> None:
    rig = Rig(requests=[(0, 10, 100), (20, 10, 1000)], v=1)
    assert seen(rig, 15) == (None, None)
    # The first answer ended before the first scrape, and the second is under way until 30 s.
    assert seen(rig, 29.9) == (None, None)


def test_a_quantile_lies_within_its_bucket_by_rank() -> None:
    rig = Rig(requests=[(1, 10, 100)], v=1)
    seen(rig, 0)
    # TTFT is 10 ms, in the bucket from 5 to 25 ms: rank 0.9 of 1, so 5 + 0.9 x 20 = 23 ms. TPOT is 10 ms, which is the
    # bound of the bucket that begins at 5 ms, and counts in it: 5 + 0.9 x 5 = 9.5 ms.
    assert seen(rig, 15) == pytest.approx((0.023, 0.0095))


def test_a_quantile_is_taken_over_all_that_ended() -> None:
    # One sequence at a time. Seven requests at 1 s, of 10 tokens each, wait for each other: first tokens after 10, 110,
    # ..., 610 ms. By bucket: one up to 25 ms, 110 ms up to 0.2 s, 210 and 310 ms up to 0.4 s, 410 and 510 ms up to
    # 0.6 s, 610 ms up to 0.8 s. Rank 0.9 x 7 = 6.3 is 0.3 of the one in the last bucket: 0.6 + 0.3 x 0.2 = 0.66 s.
    requests = [(1, 10, 10)] * 7
    rig = Rig(requests=requests, servers={"v": server(max_num_seqs=1)}, v=1)
    seen(rig, 0)
    ttft, tpot = seen(rig, 15)
    assert ttft == pytest.approx(0.66)
    assert tpot == pytest.approx(0.0095)


def test_the_time_at_the_gateway_counts() -> None:
    # It is held until a replica is ready after 30 s: 30.01 s, in the bucket from 30 to 45 s.
    rig = Rig(variant(startup_s=30), requests=[(0, 10, 5)], v=0)
    rig.scale(v=1)
    seen(rig, 0)
    assert seen(rig, 31) == pytest.approx((30 + 0.9 * 15, 0.0095))


def test_beyond_the_highest_bound_it_is_that_bound() -> None:
    rig = Rig(requests=[(0, 10, 3)], servers={"v": server(step_ms=130_000)}, v=1)
    # Each of its three tokens takes 130 s.
    seen(rig, 380)
    assert seen(rig, 400) == (120, 2)


def test_an_answer_of_one_token_has_no_time_per_token() -> None:
    rig = Rig(requests=[(1, 10, 1)], v=1)
    seen(rig, 0)
    ttft, tpot = seen(rig, 15)
    assert ttft == pytest.approx(0.023)
    assert tpot is None


def test_failed_requests_are_in_no_percentile() -> None:
    # One is too long, one gives up in the queue, one after its first token; the one that holds the engine is served.
    rig = Rig(
        requests=[(1, 10_000, 5), (1, 10, 200), (1, 20, 5), (3, 30, 500)],
        servers={"v": server(max_num_seqs=1)},
        first_token_timeout_s=1,
        total_timeout_s=4,
        v=1,
    )
    seen(rig, 0)
    assert seen(rig, 15) == pytest.approx((0.023, 0.0095))
    assert rig.statuses() == ["too long", "completed", "first token timeout", "total timeout"]


def test_only_the_last_minute_counts() -> None:
    # Slow at first: 200 waiting steps put the second request of 1 s into the bucket from 2 to 3 s.
    requests = [(1, 10, 200), (1, 10, 5), (61, 10, 5)]
    rig = Rig(requests=requests, servers={"v": server(max_num_seqs=1)}, scrape_s=15, v=1)
    found = [seen(rig, 15 * step)[0] for step in range(10)]
    # At 15 s: ranks up to 1 are the fast one, 1.8 is 0.8 of the slow one: 2 + 0.8 x 1. At 75 s only the third one has
    # ended since 15 s, and at 135 s none has since 75 s.
    assert found == [None] + 4 * [pytest.approx(2.8)] + 4 * [pytest.approx(0.023)] + [None]


def test_models_have_their_own_histograms() -> None:
    rig = Rig(
        variant("a", model="one"),
        variant("b", model="two"),
        requests=[(1, 10, 5, "one"), (1, 10, 5, "two")],
        servers={"b": server(step_ms=40)},
        a=1,
        b=1,
    )
    seen(rig, 0)
    assert seen(rig, 15) == pytest.approx((0.023, 0.0095))
    # 40 ms: TTFT in the bucket from 25 to 50 ms, TPOT in the one from 20 to 40 ms.
    other = traffic(rig, 1)
    assert (other.ttft_p90_1m_s, other.tpot_p90_1m_s) == pytest.approx((0.0475, 0.038))

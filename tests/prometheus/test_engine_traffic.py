"""Arrivals told by engines, where no gateway counts them."""

from dataclasses import replace

import pytest

from tests.decide.worlds import BUSY, traffic
from wva.fleet.observation import Traffic
from wva.fleet.readings import Endpoint, InstanceReading
from wva.prometheus.engine_traffic import EngineTraffic, completed


def endpoints(count: int) -> list[Endpoint]:
    return [Endpoint(f"i{number}", "m", "v", f"http://i{number}") for number in range(count)]


def said(
    finished: float, running: float = 0, waiting: float = 0, prompts: float = 0, age_s: float = 0
) -> InstanceReading:
    metrics = replace(
        BUSY,
        age_s=age_s,
        requests_finished_total=finished,
        running=running,
        waiting=waiting,
        prompt_tokens_total=prompts,
        input_tokens_mean_5m=100.0,
    )
    return InstanceReading(metrics, None)


def test_what_came_is_what_ended_runs_and_waits() -> None:
    record = EngineTraffic()
    two = endpoints(2)
    first = record.update(two, {"i0": said(100, running=5), "i1": said(50)}, 0.0)["m"]
    # What came before it was looked at is nobody's business.
    assert first.arrivals_total == 0
    assert first.in_flight == 5
    assert first.queue_requests is None
    later = record.update(two, {"i0": said(110, 4, 6, prompts=1000), "i1": said(53, prompts=300)}, 10.0)["m"]
    # i0: 120 of 105; i1: 53 of 50.
    assert later.arrivals_total == 18
    # 1,000 and 300 tokens of prompts, and 6 that wait of 100 each; 4 bytes a token.
    assert later.arrived_bytes_total == 4 * (1300 + 600)
    assert later.arrival_rate_1m == pytest.approx(1.8)


def test_those_that_say_nothing_are_taken_to_be_like_the_others_while_these_are_half() -> None:
    record = EngineTraffic()
    four = endpoints(4)
    record.update(four, {name: said(0) for name in ("i0", "i1", "i2", "i3")}, 0.0)
    known = record.update(four, {"i0": said(4), "i1": said(6), "i2": said(9, age_s=61.0)}, 10.0)["m"]
    assert known.arrivals_total == 20
    assert record.update(four, {"i0": said(5)}, 20.0) == {}
    # One that was lost from sight is not counted twice when it is back.
    back = record.update(four, {"i0": said(6), "i1": said(106), "i2": said(9), "i3": said(7)}, 30.0)["m"]
    assert back.arrivals_total == 20 + 4 * 1 + 4 * 1


def test_a_restart_and_a_stopped_instance_take_nothing_back() -> None:
    record = EngineTraffic()
    record.update(endpoints(2), {"i0": said(100), "i1": said(100)}, 0.0)
    grown = record.update(endpoints(2), {"i0": said(3), "i1": said(110)}, 10.0)["m"]
    assert grown.arrivals_total == 10
    left = record.update(endpoints(1), {"i0": said(8)}, 20.0)["m"]
    assert left.arrivals_total == 15
    assert record.update([], {}, 30.0) == {}


GATEWAY = traffic(100.0)
ENGINES = replace(traffic(50.0), queue_requests=None, queue_bytes=None)
COUNTS_NOTHING = replace(GATEWAY, arrivals_total=None, queue_requests=7.0, queue_bytes=70.0)


@pytest.mark.parametrize(
    ("gateway", "engines", "in_front", "expected"),
    [
        (GATEWAY, ENGINES, True, GATEWAY),
        (GATEWAY, None, True, GATEWAY),
        (None, None, False, None),
        (None, ENGINES, False, replace(ENGINES, queue_requests=0.0, queue_bytes=0.0)),
        # A gateway that does not answer may hold any number.
        (None, ENGINES, True, ENGINES),
        (COUNTS_NOTHING, None, True, COUNTS_NOTHING),
    ],
)
def test_who_is_believed(
    gateway: Traffic | None, engines: Traffic | None, in_front: bool, expected: Traffic | None
) -> None:
    assert completed(gateway, engines, in_front=in_front) == expected


def test_a_gateway_that_does_not_count_still_says_what_waits() -> None:
    seen = completed(COUNTS_NOTHING, ENGINES, in_front=True)
    assert seen is not None
    assert (seen.arrivals_total, seen.queue_requests, seen.queue_bytes) == (ENGINES.arrivals_total, 7.0, 70.0)

"""Who is alive and who is ready, and what is said where they are not."""

import pytest

from wva.kubernetes.serving.health import Vitals, not_alive, not_ready

WELL = Vitals(leading_since=100.0, turned_at=1000.0, configured=True)


@pytest.mark.parametrize(
    ("vitals", "now", "interval_s", "alive"),
    [
        (WELL, 1014.0, 15.0, True),
        (WELL, 1060.0, 15.0, True),
        (WELL, 1061.0, 15.0, False),
        (WELL, 1061.0, 30.0, True),
        (WELL, 1121.0, 30.0, False),
        (WELL, 1059.0, 1.0, True),
        (Vitals(), 1e6, 15.0, True),
        (Vitals(leading_since=100.0), 159.0, 15.0, True),
        (Vitals(leading_since=100.0), 161.0, 15.0, False),
        (Vitals(leading_since=5000.0, turned_at=1000.0), 5010.0, 15.0, True),
        (Vitals(leading_since=100.0, turned_at=100.0, stopping=True), 1e6, 15.0, True),
    ],
)
def test_a_leader_turns(vitals: Vitals, now: float, interval_s: float, alive: bool) -> None:
    said = not_alive(vitals, now, interval_s)
    assert (said is None) is alive
    assert said is None or "has not turned" in said


@pytest.mark.parametrize(
    ("vitals", "said"),
    [
        (WELL, None),
        (Vitals(configured=True), None),
        (Vitals(), "ConfigMaps"),
        (Vitals(configured=True, not_seen=("pods", "nodes")), "not seen: pods, nodes"),
        (Vitals(configured=True, stopping=True), "stopping"),
    ],
)
def test_ready_without_leading(vitals: Vitals, said: str | None) -> None:
    found = not_ready(vitals)
    assert found == said if said is None else said in (found or "")

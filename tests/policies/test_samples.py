"""Readings over time, and their mean over a window."""

from tests.policies.fleets import metrics, replica
from wva.policies.samples import Sample, mean, newest_scrape, recorded, within


def test_a_window_keeps_what_is_younger() -> None:
    samples: tuple[Sample, ...] = ()
    for at in range(0, 90, 15):
        samples = recorded(samples, Sample(at, float(at)), 60.0)
    # At 75 what was read at 15 is exactly as old as the window.
    assert [sample.at for sample in samples] == [30, 45, 60, 75]
    assert mean(samples, 75, 60.0) == 52.5
    # 45 s later only the last one is left in it, and then none: the newest counts all the same.
    assert mean(samples, 120, 60.0) == 75
    assert mean(samples, 500, 60.0) == 75
    assert not within(samples[-1], 500, 60.0)


def test_a_scrape_seen_twice_counts_once() -> None:
    once = recorded((), Sample(10.0, 4.0), 60.0)
    assert recorded(once, Sample(10.0, 4.0), 60.0) == once
    # A second has one reading, the last.
    assert recorded(once, Sample(10.9, 6.0), 60.0) == (Sample(10.9, 6.0),)


def test_a_clock_that_was_set_back_drops_what_is_to_come() -> None:
    samples = recorded(recorded((), Sample(100.0, 1.0), 60.0), Sample(115.0, 2.0), 60.0)
    assert recorded(samples, Sample(110.0, 3.0), 60.0) == (Sample(100.0, 1.0), Sample(110.0, 3.0))


def test_readings_are_bounded_by_the_seconds_of_the_window() -> None:
    samples: tuple[Sample, ...] = ()
    for tick in range(1000):
        samples = recorded(samples, Sample(tick * 0.1, 1.0), 10.0)
    assert len(samples) <= 11


def test_the_newest_scrape_of_any_instance_counts() -> None:
    replicas = [replica(metrics(age_s=9), metrics(age_s=4)), replica(None)]
    assert newest_scrape(replicas, 100.0, 60.0) == 96.0
    assert newest_scrape(replicas, 100.0, 3.0) is None
    assert newest_scrape([], 100.0, 60.0) is None

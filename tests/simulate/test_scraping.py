"""What a policy sees of a replica: scraped on an interval, aged, with maxima of a minute and rates of five."""

from dataclasses import astuple, fields

import pytest

from tests.simulate.fleets import Rig, server, variant
from wva.engine.batch.state import COUNTERS
from wva.fleet.replica import InstanceMetrics, Phase

SERVER = {"v": server(kv_blocks=100)}
"""A block is a hundredth of its KV cache."""


def set_counters(rig: Rig, **values: float) -> None:
    """Make the idle server of the first replica say that so much has happened."""
    for name, value in values.items():
        rig.world.engines.counters[0, COUNTERS.index(name)] = value


def set_gauges(rig: Rig, running: int, waiting: int, blocks: int) -> None:
    """Make the idle server of the first replica say that it holds so much."""
    replica = rig.world.engines.replicas[0]
    replica["running"], replica["waiting"], replica["used_blocks"] = running, waiting, blocks


def scraped(rig: Rig, time_s: float) -> Rig:
    rig.until(time_s).scrape()
    return rig


def seen(rig: Rig, name: str = "v-1") -> InstanceMetrics:
    metrics = rig.metrics(name)
    assert metrics is not None
    return metrics


@pytest.mark.parametrize("now_s", [45.0, 45.5, 59.9])
def test_the_age_is_that_of_the_newest_scrape(now_s: float) -> None:
    rig = scraped(scraped(Rig(v=1), 30), 45).until(now_s)
    assert seen(rig).age_s == pytest.approx(now_s - 45)
    (model,) = rig.observe().models
    assert model.traffic is not None
    assert model.traffic.age_s == pytest.approx(now_s - 45)


def test_gauges_are_those_of_the_newest_scrape_not_of_now() -> None:
    rig = Rig(servers=SERVER, v=1)
    set_gauges(rig, running=3, waiting=2, blocks=25)
    scraped(rig, 15)
    set_gauges(rig, running=9, waiting=9, blocks=90)
    rig.until(29)
    metrics = seen(rig)
    assert (metrics.running, metrics.waiting, metrics.kv_usage) == (3, 2, 0.25)


def test_maxima_are_over_the_scrapes_of_the_last_minute() -> None:
    rig = Rig(servers=SERVER, scrape_s=16, v=1)
    found = []
    for step, (waiting, blocks) in enumerate([(9, 10), (1, 95), (2, 30), (4, 20), (0, 10), (0, 5), (0, 0), (1, 1)]):
        set_gauges(rig, running=0, waiting=waiting, blocks=blocks)
        metrics = seen(scraped(rig, 16 * step))
        found.append((metrics.waiting_max_1m, metrics.kv_usage_max_1m))
    # Four scrapes, 16 s apart, lie within a minute.
    assert found == [(9, 0.1), (9, 0.95), (9, 0.95), (9, 0.95), (4, 0.95), (4, 0.3), (4, 0.2), (1, 0.1)]


@pytest.mark.parametrize("phase_s", [0.1, 2.718281828459, 3.141592653589, 7.7, 11.123456789012])
def test_a_window_holds_what_is_just_a_window_old_whatever_the_phase(phase_s: float) -> None:
    rig = Rig(servers=SERVER, scrape_s=15, v=1)
    found = []
    for step in range(48):
        # One waits at every twelfth scrape, and is to be seen then and at the four scrapes that follow in a minute.
        set_gauges(rig, running=0, waiting=int(step % 12 == 0), blocks=0)
        set_counters(rig, generation_tokens=max(0, step - 20) ** 2)
        metrics = seen(scraped(rig, phase_s + 15 * step))
        found.append(metrics.waiting_max_1m)
        if step >= 20:
            grown = (step - 20) ** 2 - max(0, step - 40) ** 2
            assert metrics.generation_tokens_rate_5m == pytest.approx(grown / 300)
    assert found == [1.0 if step % 12 <= 4 else 0.0 for step in range(48)]


def test_counters_are_totals_and_their_rates_are_over_five_minutes() -> None:
    rig = Rig(scrape_s=40, v=1)
    rates = []
    for step in range(11):
        # Tokens come faster and faster, the rest evenly: 4 answers and 2 preemptions in 40 s.
        set_counters(
            rig, generation_tokens=100 * step * step, prompt_tokens=800 * step, finished=4 * step, preemptions=2 * step
        )
        metrics = seen(scraped(rig, 40 * step))
        rates.append(metrics.generation_tokens_rate_5m)
    assert metrics.generation_tokens_total == 10_000
    assert metrics.prompt_tokens_total == 8000
    assert metrics.requests_finished_total == 40
    assert metrics.preemptions_total == 20
    assert metrics.prompt_tokens_rate_5m == pytest.approx(20)
    assert metrics.requests_finished_rate_5m == pytest.approx(0.1)
    assert metrics.preemptions_rate_5m == pytest.approx(0.05)
    # Before 280 s all scrapes count; from then on the oldest of eight, 280 s before.
    growth = [(0, step) if step <= 7 else (step - 7, step) for step in range(1, 11)]
    expected = [100 * (new**2 - old**2) / (40 * (new - old)) for old, new in growth]
    assert rates[0] is None
    assert rates[1:] == pytest.approx(expected)


def test_means_are_over_what_ended_in_five_minutes() -> None:
    rig = Rig(scrape_s=100, v=1)
    means_of = ("finished", "ttft", "inter_token", "prefix")
    names = [name for name in COUNTERS if name.startswith(means_of)]
    # 10 answers in the first 100 s, none in the next 100 s, 5 others in the last. In the order of ``names``: answers,
    # their prompts' and their own tokens; sum and count of times to first token, and of times between tokens; prompt
    # tokens looked up in the prefix cache, and found.
    totals = [
        (0, 0, 0, 0.0, 0, 0.0, 0, 0, 0),
        (10, 1000, 500, 3.0, 10, 4.0, 200, 1000, 0),
        (10, 1000, 500, 3.0, 10, 4.0, 200, 1000, 0),
        (15, 3000, 600, 13.0, 20, 14.0, 300, 3000, 500),
    ]

    def means() -> tuple[float | None, ...]:
        metrics = seen(rig)
        return (
            metrics.input_tokens_mean_5m,
            metrics.output_tokens_mean_5m,
            metrics.ttft_mean_5m_s,
            metrics.inter_token_mean_5m_s,
            metrics.prefix_hit_rate_5m,
        )

    found = []
    for step, row in enumerate(totals):
        set_counters(rig, **dict(zip(names, row, strict=True)))
        scraped(rig, 100 * step)
        found.append(means())
    for step in range(4, 7):
        scraped(rig, 100 * step)
        found.append(means())
    assert found == [
        (None,) * 5,
        (100, 50, 0.3, 0.02, 0),
        (100, 50, 0.3, 0.02, 0),
        (200, 40, 0.65, pytest.approx(14 / 300), pytest.approx(1 / 6)),
        (400, 20, 1.0, 0.1, 0.25),
        (400, 20, 1.0, 0.1, 0.25),
        (None,) * 5,
    ]


def test_a_server_under_load_says_what_can_be_worked_out_by_hand() -> None:
    # At 2 s the first has its 200th token and the second, which came at 1 s, its 100th; the third ended at 0.5 s.
    requests = [(0, 100, 300), (0, 40, 50), (1, 60, 300)]
    rig = Rig(requests=requests, servers=SERVER, v=1)
    scraped(rig, 0)
    metrics = seen(scraped(rig, 2))
    assert (metrics.running, metrics.waiting) == (2, 0)
    assert (metrics.prompt_tokens_total, metrics.generation_tokens_total) == (200, 350)
    assert (metrics.requests_finished_total, metrics.preemptions_total) == (1, 0)
    assert metrics.generation_tokens_rate_5m == pytest.approx(175)
    assert (metrics.input_tokens_mean_5m, metrics.output_tokens_mean_5m) == (40, 50)
    assert metrics.ttft_mean_5m_s == pytest.approx(0.01)
    assert metrics.inter_token_mean_5m_s == pytest.approx(0.01)
    assert metrics.prefix_hit_rate_5m is None


def test_before_two_scrapes_there_are_gauges_but_no_rates() -> None:
    rig = scraped(Rig(requests=[(0, 10, 5)], servers=SERVER, v=1), 10)
    values = zip(fields(InstanceMetrics), astuple(seen(rig)), strict=True)
    known = {field.name for field, value in values if value is not None}
    assert known == {
        "age_s",
        "running",
        "waiting",
        "kv_usage",
        "waiting_max_1m",
        "kv_usage_max_1m",
        "prompt_tokens_total",
        "generation_tokens_total",
        "requests_finished_total",
        "preemptions_total",
    }
    assert seen(scraped(rig, 25)).generation_tokens_rate_5m == 0


def test_a_replica_has_no_metrics_until_it_is_scraped_while_it_serves() -> None:
    rig = Rig(variant(startup_s=20), nodes=[("gpu", 2, 1)], v=0).until(1)
    rig.scale(v=3)
    scraped(rig, 15)
    assert [rig.metrics(f"v-{n}") for n in (1, 2, 3)] == [None, None, None]
    rig.until(22)
    assert rig.phases() == {"v-1": "ready", "v-2": "ready", "v-3": "pending"}
    assert [rig.metrics(f"v-{n}") for n in (1, 2, 3)] == [None, None, None]
    scraped(rig, 30)
    assert [rig.metrics(f"v-{n}") is None for n in (1, 2, 3)] == [False, False, True]
    (seen_variant,) = rig.observe().variants
    assert [replica.instances[0].kv_capacity_tokens for replica in seen_variant.replicas] == [160_000, 160_000, None]


def test_a_draining_replica_is_still_scraped() -> None:
    rig = Rig(requests=[(0, 10, 5000)], v=1).until(1)
    rig.scale(v=0)
    assert seen(scraped(rig, 15)).running == 1


def test_a_new_replica_does_not_inherit_the_metrics_of_one_that_is_gone() -> None:
    rig = Rig(requests=[(0, 10, 1000)], v=2)
    scraped(scraped(rig, 15), 30)
    assert seen(rig).generation_tokens_total == 1000
    rig.until(32)
    rig.scale(v=0)
    rig.scale(v=2)
    rig.until(44)
    assert list(rig.phases().values()) == ["ready", "ready"]
    assert [rig.metrics(name) for name in rig.phases()] == [None, None]
    scraped(rig, 45)
    for name in rig.phases():
        assert seen(rig, name).generation_tokens_total == 0
        assert seen(rig, name).generation_tokens_rate_5m is None
    scraped(rig, 60)
    assert [seen(rig, name).generation_tokens_rate_5m for name in rig.phases()] == [0, 0]


def test_a_crashed_replica_counts_from_nothing_again() -> None:
    rig = Rig(variant(startup_s=5), requests=[(0, 10, 1000), (30, 10, 100)], v=1)
    scraped(rig, 15)
    rig.until(16)
    rig.crash()
    rig.until(22)
    assert rig.phases() == {"v-1": "ready"}
    assert rig.metrics("v-1") is None
    scraped(rig, 30)
    scraped(rig, 45)
    assert seen(rig).generation_tokens_total == 100
    assert seen(rig).generation_tokens_rate_5m == pytest.approx(100 / 15)


def test_phases_and_dates_are_shown_as_they_are() -> None:
    rig = Rig(requests=[(0, 10, 5000), (0, 10, 5000)], nodes=[("gpu", 3, 1), ("gpu", 1, 2), ("x", 8, 1)], v=2).until(10)
    rig.scale(v=5)
    rig.until(30)
    rig.scale(v=6)
    rig.until(31)
    observed = rig.observe()
    (one,) = observed.variants
    assert (one.desired, one.ready) == (6, 5)
    assert [replica.phase for replica in one.replicas] == [Phase.READY] * 5 + [Phase.PENDING]
    first, later, waiting = one.replicas[0], one.replicas[2], one.replicas[5]
    assert (first.ordered_at, first.started_at, first.ready_at, first.since) == (0, 0, 0, 0)
    assert (later.ordered_at, later.started_at, later.ready_at, later.since) == (10, 10, 20, 20)
    assert (waiting.ordered_at, waiting.started_at, waiting.ready_at, waiting.since) == (30, None, None, 30)
    assert waiting.reason == "waiting for stock"
    rig.scale(v=1)
    (one,) = rig.observe().variants
    assert [replica.phase for replica in one.replicas] == [Phase.READY, Phase.DRAINING]
    assert (one.desired, one.ready) == (1, 1)
    (pool,) = rig.observe().inventory.pools
    assert (pool.accelerator, pool.total_gpus, pool.free_by_node) == ("gpu", 5, (3,))
    rig.scale(v=2)
    rig.until(32)
    starting = rig.observe().variants[0].replicas[-1]
    assert (starting.phase, starting.ready_at, starting.started_at) == (Phase.STARTING, None, 31)


def test_without_nodes_the_inventory_is_without_limit() -> None:
    assert Rig(v=1).observe().inventory.pools == ()

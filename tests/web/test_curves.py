from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.story import START, Story
from wva.live.state import TickState
from wva.web import curves
from wva.web.charts import charts
from wva.web.tiles import tiles, tiles_html


def _story(until: float) -> Story:
    story = Story()
    while story.now < until:
        story.tell()
    return story


TICKS = tuple(_story(1200).ticks)


@given(count=st.integers(0, len(TICKS)), most=st.integers(2, 100))
def test_thinning_keeps_the_order_the_newest_turn_and_the_limit(count: int, most: int) -> None:
    ticks = TICKS[:count]
    kept = curves.thinned(ticks, most)
    numbers = [tick.number for tick in kept]
    assert len(kept) <= most
    assert numbers == sorted(set(numbers))
    assert not ticks or kept[-1] is ticks[-1]


def test_thinning_keeps_the_largest_change_of_a_stretch() -> None:
    jump = max(TICKS, key=lambda tick: sum(abs((point.target or 0) - (point.before or 0)) for point in tick.variants))
    assert jump in curves.thinned(TICKS, 10)


def test_a_curve_is_unknown_where_nothing_was_seen() -> None:
    blind = replace(TICKS[1], models=(), variants=())
    curve = curves.of_model([TICKS[0], blind], START, "qwen3-32b", lambda point: point.arrival_rate)
    assert curve == [(0.0, 0.3), (15.0, None)]


def test_what_another_policy_would_have_cost_more_is_the_sum_over_time() -> None:
    def at(time: float, cost: float, shadow: dict[str, float]) -> TickState:
        return replace(TICKS[0], time=time, cost_per_hour=cost, shadow_cost_per_hour=shadow)

    ticks = [at(0.0, 6.0, {"hpa": 12.0}), at(1800.0, 6.0, {}), at(3600.0, 10.0, {"hpa": 6.0}), at(5400.0, 0.0, {})]
    # Half an hour of $6 an hour more, half an hour unknown, half an hour of $4 an hour less.
    assert curves.spared(ticks, "hpa") == pytest.approx(3.0 - 2.0)
    assert curves.spared(ticks[1:2], "hpa") is None


def test_all_targets_are_known_or_the_sum_is_not() -> None:
    one, other = TICKS[-1].variants
    tick = replace(TICKS[-1], variants=(replace(one, target=2), replace(other, target=None)))
    assert curves.target(tick) is None
    assert curves.target(replace(tick, variants=(replace(one, target=2), replace(other, target=3)))) == 5.0


@pytest.mark.parametrize("until", [0.0, 15.0, 800.0])
def test_charts_have_the_same_lines_at_any_time(until: float) -> None:
    """A chart whose number of lines changes is drawn from nothing, and its legend moves what is below."""
    story, whole = _story(until), _story(1200)
    now = [(chart.name, len(chart.option["series"]), len(chart.keys)) for chart in charts(story.state(), story.ticks)]
    assert now == [
        (chart.name, len(chart.option["series"]), len(chart.keys)) for chart in charts(whole.state(), whole.ticks)
    ]


def test_every_chart_says_its_unit_and_what_it_shows_in_words() -> None:
    story = _story(800.0)
    for chart in charts(story.state(), story.ticks):
        assert chart.unit
        assert chart.said.startswith(chart.title)


def test_a_latency_over_its_objective_is_marked_and_one_within_is_not() -> None:
    state = _story(15.0).state()
    model = state.models[0]
    slow = replace(state, models=(replace(model, ttft_p90_s=2.5, tpot_p90_s=0.05),))
    shown = {tile.title: tile for tile in tiles(slow, ())}
    assert (shown["TTFT p90"].value, shown["TTFT p90"].remark, shown["TTFT p90"].alarm) == ("2.50 s", "over 2 s", True)
    assert (shown["TPOT p90"].remark, shown["TPOT p90"].alarm) == ("within 100 ms", False)


def test_of_several_models_the_one_worst_against_its_own_objective_is_shown() -> None:
    state = _story(15.0).state()
    model = state.models[0]
    models = (replace(model, ttft_p90_s=1.9), replace(model, name="<chat>", ttft_p90_s=0.6, ttft_objective_s=0.5))
    tile = tiles(replace(state, models=models), ())[1]
    assert (tile.value, tile.remark) == ("600 ms", "over 500 ms of <chat>")
    assert "&lt;chat&gt;" in tiles_html([tile])


def test_nothing_known_is_a_dash_and_never_a_zero() -> None:
    values = {tile.title: tile.value for tile in tiles(Story().state(), ())}
    assert all("\N{EN DASH}" in values[title] for title in ("Attainment", "TTFT p90", "TPOT p90", "Arrivals", "Power"))

"""The properties of every policy, over stories in which the brain can mostly see, so that it really decides.

In the stories of ``tests.policies`` nearly every figure is odd, and the brain nearly always holds.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.decide.worlds import BUSY, traffic
from tests.fleet_strategies import Reading, Step, Story, stories
from tests.policies.test_safety import CASES, PROPERTIES, played
from wva.fleet.replica import Phase

NUMBERS = st.lists(st.sampled_from((0.0, 0.1, 2.0, 20.0, 200.0)), min_size=8, max_size=8)


@st.composite
def readable(draw: st.DrawFn) -> Story:
    """A story with its odd values replaced in most steps: counters that rise, engines that say what they do."""
    story = draw(stories())
    models = tuple(replace(model, shape="Llama-3.1-8B-Instruct") for model in story.models)
    rates = sorted(draw(NUMBERS))
    steps = [_readable(step, rate, draw(st.booleans())) for step, rate in zip(story.steps, rates, strict=False)]
    return replace(story, models=models, steps=tuple(step for step in steps for _ in range(draw(st.integers(1, 10)))))


def _readable(step: Step, rate: float, serving: bool) -> Step:
    if step.blind:
        return step
    ready = Reading(Phase.READY, (replace(BUSY, generation_tokens_total=200.0 * rate),))
    return replace(
        step,
        elapsed_s=max(step.elapsed_s % 60.0, 5.0),
        traffic=tuple(traffic(rate, queue=rate) for _ in step.traffic),
        variants=tuple(replace(v, readings=(ready,) if serving else (*v.readings, ready)) for v in step.variants),
    )


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=readable())
def test_safe_where_it_decides(story: Story) -> None:
    turns = played(CASES["wva"].policy, story)
    for holds in PROPERTIES:
        holds(CASES["wva"], turns)

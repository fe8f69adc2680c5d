"""What a replica gives at the objectives, and what its time goes into."""

import pytest

from tests.decide.worlds import MODEL, variant
from wva.decide.capacity import ReplicaCapacity, prior_server, replica_capacity
from wva.engine.engine_time import prompt_s
from wva.engine.mix import RequestMix

LONG_PROMPTS = RequestMix(2000.0, 30.0)
LONG_ANSWERS = RequestMix(200.0, 2000.0)


def capacity(mix: RequestMix, slowness: float = 1.0) -> ReplicaCapacity:
    found = replica_capacity(MODEL, variant(), mix, slowness)
    assert found is not None
    return found


def prompt_seconds(mix: RequestMix, batch: int) -> float:
    server = prior_server(MODEL, variant())
    assert server is not None
    return prompt_s(server, mix.computed_tokens, mix.cached_tokens, batch)


@pytest.mark.parametrize("mix", [LONG_PROMPTS, LONG_ANSWERS, RequestMix(1000.0, 200.0)])
def test_prompts_and_decoding_share_all_of_a_full_engines_time(mix: RequestMix) -> None:
    # At its capacity an engine is never idle, so a request takes 1 / rate of its time, of which its prompt is a part.
    found = capacity(mix)
    batch = round(found.requests_per_s * found.residence_s)
    assert found.prompt_share == pytest.approx(found.requests_per_s * prompt_seconds(mix, batch), rel=0.03)


def test_an_answer_of_one_token_is_all_prompt() -> None:
    assert capacity(RequestMix(2000.0, 1.0)).prompt_share == 1.0


def test_the_engines_time_goes_into_long_prompts_and_not_into_short_ones() -> None:
    assert capacity(LONG_PROMPTS).prompt_share > 0.7
    assert capacity(LONG_ANSWERS).prompt_share < 0.1


def test_an_engine_that_is_slow_at_everything_spends_its_time_on_the_same_things() -> None:
    slow, fast = capacity(LONG_PROMPTS, slowness=1.5), capacity(LONG_PROMPTS)
    assert slow.prompt_share == pytest.approx(fast.prompt_share, rel=0.2)
    assert slow.requests_per_s < fast.requests_per_s / 1.5

"""What a sequence holds and what it reads, where prompts share a beginning and where they do not."""

import pytest

from wva.engine.mix import RequestMix


@pytest.mark.parametrize(
    ("held", "hits", "context", "memory"),
    [
        # Nothing measured: prompt and half the answer, 1,000 + 100.
        (None, 0.9, 1100.0, 1100.0),
        # Nothing shared: what is held is what is read, be it more or less than the lengths say.
        (1300.0, 0.0, 1300.0, 1300.0),
        (900.0, 0.0, 900.0, 900.0),
        # 900 cached tokens that all share are held once and read by everybody.
        (210.0, 0.9, 1100.0, 210.0),
        # Of 300 cached tokens no more than those can be shared.
        (500.0, 0.3, 800.0, 500.0),
        # Cached and not shared, as by the turns of one conversation.
        (1300.0, 0.9, 1300.0, 1300.0),
    ],
)
def test_what_is_held_and_what_is_read(held: float | None, hits: float, context: float, memory: float) -> None:
    mix = RequestMix(1000.0, 200.0, hits, held)
    assert mix.mean_context == pytest.approx(context)
    assert mix.mean_held == pytest.approx(memory)

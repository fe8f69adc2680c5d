"""What is attainable is what one empty replica serves, one request at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulate.fleets import Rig, model, server, variant
from tests.simulate.test_exact import MS, servers
from wva.engine.server import Server
from wva.fleet.model import Model
from wva.simulate.attainable import find_attainable
from wva.simulate.met import count_met, objectives_ps


def attainable(rig: Rig, models: Sequence[Model]) -> int:
    """The count for the requests of a rig, whatever became of them."""
    names = [one.name for one in models]
    kinds = np.array([names.index(v.model) for v in rig.variants])
    return int(find_attainable(rig.world.engines, kinds, *objectives_ps(models)).sum())


@dataclass(frozen=True)
class Case:
    servers: tuple[Server, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ttft_ms: int
    tpot_ms: int

    def model(self) -> Model:
        return model(ttft_s=self.ttft_ms / 1000, tpot_s=self.tpot_ms / 1000)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 8))
    # The longest answer fits every KV cache: a catalogue's server has no context that its cache cannot hold.
    kinds = draw(st.lists(servers().filter(lambda one: one.kv_blocks >= 40), min_size=1, max_size=2))
    return Case(
        servers=tuple(kinds),
        inputs=tuple(
            draw(st.sampled_from([1, 15, 16, 17, 24, 39, 40, 41, 59, 60, 100, 119, 130])) for _ in range(count)
        ),
        outputs=tuple(draw(st.sampled_from([1, 2, 5, 16, 17, 40, 70])) for _ in range(count)),
        ttft_ms=draw(st.sampled_from([1, 7, 10, 20, 30, 70, 100])),
        tpot_ms=draw(st.sampled_from([1, 7, 10, 11, 12, 20])),
    )


def met_alone(case: Case) -> list[bool]:
    """For each request, whether some variant's only replica serves it within the objectives when there is no other."""
    met = [False] * len(case.inputs)
    # No answer takes a minute, so with a minute between them each request finds the replica empty.
    asked = [(60.0 * n, *pair) for n, pair in enumerate(zip(case.inputs, case.outputs, strict=True))]
    for kind in case.servers:
        records = Rig(requests=asked, servers={"v": kind}, rows=1, v=1).until(60.0 * len(met)).world.engines.requests
        met = [before or bool(count_met(records[n : n + 1], [case.model()])) for n, before in enumerate(met)]
    return met


@settings(max_examples=150, deadline=None)
@given(cases())
def test_attainable_is_what_an_empty_replica_serves(case: Case) -> None:
    variants = [variant(f"v{index}") for index in range(len(case.servers))]
    asked = [(0.0, *pair) for pair in zip(case.inputs, case.outputs, strict=True)]
    kinds = {v.name: kind for v, kind in zip(variants, case.servers, strict=True)}
    rig = Rig(*variants, requests=asked, servers=kinds, rows=1)
    assert attainable(rig, [case.model()]) == sum(met_alone(case))


@pytest.mark.parametrize(
    ("ttft_s", "tpot_s", "count"),
    [
        pytest.param(0.01, 0.01, 3, id="exactly in time"),
        pytest.param(0.0099, 0.02, 0, id="the first token too late, which quick tokens do not make good"),
        pytest.param(0.01, 0.0099, 1, id="the tokens too slow, which does not matter to an answer of one"),
        pytest.param(0.0101, 0.0099, 2, id="the second token in the time that the first has left"),
    ],
)
def test_objectives_are_met_up_to_the_last_instant(ttft_s: float, tpot_s: float, count: int) -> None:
    # Alone, the prompts take 10 ms and every further token 10 ms: answers of 1, 2 and 100 tokens.
    rig = Rig(requests=[(0, 10, 1), (0, 10, 2), (0, 10, 100)])
    assert attainable(rig, [model(ttft_s=ttft_s, tpot_s=tpot_s)]) == count


@pytest.mark.parametrize(("tpot_s", "count"), [(0.031, 1), (0.03096, 0)])
def test_a_sliding_window_that_fills_on_the_way_is_counted_token_by_token(tpot_s: float, count: int) -> None:
    # A token of context costs 1 ms, 24 of them at most. After a prompt of 10 and a first token the 30 steps that follow
    # read 11, 12, ... 24 and then 24 tokens each: 245 + 16 x 24 ms, and 10 ms each besides. That is 929 ms.
    plain = server(max_model_len=1000)
    windowed = replace(plain, window=24, window_blocks=2, step=replace(plain.step, window_token_ps=MS))
    rig = Rig(requests=[(0, 10, 31)], servers={"v": windowed}, v=1)
    objectives = [model(ttft_s=0.01, tpot_s=tpot_s)]
    assert attainable(rig, objectives) == count
    assert rig.until(2).finish_s(0) == 0.939
    assert count_met(rig.world.engines.requests, objectives) == count


def test_an_answer_that_the_context_cuts_short_counts_with_the_tokens_that_it_has() -> None:
    # 40 of 100 tokens, in 400 ms: in time for 100 but not for 40 tokens of 9 ms.
    rig = Rig(requests=[(0, 10, 100)], servers={"v": server(max_model_len=50)}, v=1)
    slow, quick = [model(ttft_s=0.01, tpot_s=0.01)], [model(ttft_s=0.01, tpot_s=0.009)]
    assert (attainable(rig, slow), attainable(rig, quick)) == (1, 0)
    assert rig.until(2).status(0) == "truncated"
    assert (count_met(rig.world.engines.requests, slow), count_met(rig.world.engines.requests, quick)) == (1, 0)


def test_a_request_is_attainable_when_any_variant_of_its_model_can_and_of_no_other() -> None:
    variants = (variant("a", model="one"), variant("b", model="one"), variant("c", model="two"))
    kinds = {"a": server(step_ms=10), "b": server(step_ms=2, max_model_len=100), "c": server(step_ms=1)}
    rig = Rig(
        *variants,
        requests=[
            (0, 10, 5, "one"),  # on b
            (0, 100, 5, "one"),  # too long for b, too slow on a
            (0, 100, 5, "two"),  # on c
            (0, 20_000, 5, "two"),  # too long for all
        ],
        servers=kinds,
    )
    objectives = [model("one", ttft_s=0.005, tpot_s=0.005), model("two", ttft_s=0.005, tpot_s=0.005)]
    assert attainable(rig, objectives) == 2


def test_a_load_of_many_does_not_change_what_is_attainable() -> None:
    rig = Rig(requests=[(0, 10, 100)] * 50, servers={"v": server(max_num_seqs=1)}, first_token_timeout_s=1, v=1)
    before = attainable(rig, [model()])
    rig.until(200)
    assert rig.statuses().count("first token timeout") > 0
    assert attainable(rig, [model()]) == before == 50

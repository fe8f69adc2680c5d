from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.engine.small import linear_server
from wva.engine.build import build_server
from wva.engine.capacity import Binding, largest_batch, steady_state, sustainable, tpot_at, utilisation
from wva.engine.mix import RequestMix
from wva.engine.server import Server
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.model import Objectives

MIX = RequestMix(input_tokens=1000, output_tokens=101)
"""On the linear server a prompt adds 10 ms and an answer takes 100 steps after its first token."""

SERVERS = [
    build_server(model_shape("Llama-3.1-8B-Instruct"), accelerator("A100-80GB")),
    build_server(model_shape("Llama-3.1-70B-Instruct"), accelerator("H100-80GB"), 4),
    build_server(model_shape("gpt-oss-120b"), accelerator("H200"), 1, "fp4"),
    build_server(model_shape("Mixtral-8x7B-Instruct-v0.1"), accelerator("B200")),
]

FLAT = 1.03
"""Where answers have a few tokens, a larger batch may lower the rate by up to 2 %."""

servers = st.sampled_from(SERVERS)
mixes = st.builds(
    RequestMix,
    input_tokens=st.integers(10, 8000).map(float),
    output_tokens=st.integers(2, 3000).map(float),
    prefix_hit_rate=st.sampled_from([0.0, 0.3, 0.9]),
)
all_objectives = st.builds(Objectives, ttft_s=st.floats(0.5, 10.0), tpot_s=st.floats(0.01, 0.5))


def test_the_objective_binds_by_hand() -> None:
    """Ten sequences: steps of 10.1 ms, and 10 prompts of 10 ms in 100 steps make 11.1 ms a token."""
    capacity = sustainable(linear_server(), MIX, Objectives(ttft_s=1.0, tpot_s=11.1e-3))
    assert capacity.binding is Binding.TPOT
    assert capacity.batch == pytest.approx(10)
    assert capacity.tpot_s == pytest.approx(11.1e-3)
    assert capacity.requests_per_s == pytest.approx(10 / (100 * 11.1e-3))
    assert capacity.ttft_s == pytest.approx(20e-3)
    assert capacity.kv_tokens == pytest.approx(10 * 1050.5)


def test_less_than_one_sequence_on_average() -> None:
    """A sequence alone has 10.01 ms a token and 0.1 ms more for each whole one on average."""
    capacity = sustainable(linear_server(), MIX, Objectives(ttft_s=1.0, tpot_s=10.06e-3))
    assert capacity.batch == pytest.approx(0.5)
    assert capacity.requests_per_s == pytest.approx(0.5 / (100 * 10.06e-3))


def test_slots_bind_by_hand() -> None:
    capacity = sustainable(linear_server(max_num_seqs=20), MIX, Objectives(1.0, 1.0))
    assert (capacity.binding, capacity.batch) == (Binding.SEQUENCES, 20)
    assert capacity.tpot_s == pytest.approx(10e-3 + 20 * 10e-6 + 20 * 10e-3 / 100)
    assert capacity.requests_per_s == pytest.approx(20 / (100 * 12.2e-3))


def test_the_cache_binds_by_hand() -> None:
    """A sequence of 1,050.5 tokens holds (1,050.5 + 7.5) / 16 = 66.125 blocks on average."""
    capacity = sustainable(linear_server(kv_blocks=1323), MIX, Objectives(1.0, 1.0))
    assert capacity.binding is Binding.KV_CACHE
    assert capacity.batch == pytest.approx(1322.5 / 66.125, rel=1e-3)


def test_window_layers_hold_blocks_too() -> None:
    server = replace(linear_server(kv_blocks=1323), window=128, window_blocks=9)
    batch, binding = largest_batch(server, MIX)
    assert batch == pytest.approx(1323 / (66.125 + 9))
    assert binding is Binding.KV_CACHE


def test_engine_time_binds_where_prompts_take_it_all() -> None:
    mix = RequestMix(input_tokens=1000, output_tokens=2)
    capacity = sustainable(linear_server(), mix, Objectives(1.0, 1e3))
    assert capacity.binding is Binding.ENGINE_TIME
    assert capacity.requests_per_s == pytest.approx(100, rel=0.01)


def test_a_server_that_only_prefills() -> None:
    capacity = sustainable(linear_server(), RequestMix(1000, 1), Objectives(1.0, 0.1), headroom=0.2)
    assert capacity.binding is Binding.ENGINE_TIME
    assert capacity.requests_per_s == pytest.approx(0.8 / 20e-3)
    assert utilisation(linear_server(), RequestMix(1000, 1), 25.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("server", "objectives", "binding"),
    [
        (linear_server(), Objectives(ttft_s=0.019, tpot_s=1.0), Binding.TTFT),
        (linear_server(), Objectives(ttft_s=1.0, tpot_s=0.010), Binding.TPOT),
        (linear_server(max_model_len=1100), Objectives(1.0, 1.0), Binding.KV_CACHE),
        (linear_server(kv_blocks=66), Objectives(1.0, 1.0), Binding.KV_CACHE),
    ],
)
def test_what_cannot_be_met_at_all(server: Server, objectives: Objectives, binding: Binding) -> None:
    capacity = sustainable(server, MIX, objectives)
    assert (capacity.requests_per_s, capacity.batch, capacity.binding) == (0.0, 0.0, binding)


def test_cached_prefixes_cost_no_engine_time_but_room() -> None:
    cached = replace(MIX, prefix_hit_rate=0.5)
    server = linear_server()
    assert sustainable(server, cached, Objectives(1.0, 0.1)).ttft_s == pytest.approx(15e-3)
    assert largest_batch(server, cached) == largest_batch(server, MIX)


def test_headroom_shrinks_the_batch_until_it_fits_the_rate() -> None:
    objectives = Objectives(1.0, 11.1e-3)
    whole = sustainable(linear_server(), MIX, objectives)
    part = sustainable(linear_server(), MIX, objectives, headroom=0.2)
    assert part.requests_per_s == pytest.approx(0.8 * whole.requests_per_s)
    assert part.batch == pytest.approx(part.requests_per_s * 100 * part.tpot_s)
    assert part.tpot_s < whole.tpot_s
    assert part.binding is whole.binding


def test_steady_state_by_hand() -> None:
    state = steady_state(linear_server(max_num_seqs=20), MIX, 10 / (100 * 11.1e-3))
    assert state is not None
    assert state.batch == pytest.approx(10)
    assert state.tpot_s == pytest.approx(11.1e-3)
    assert steady_state(linear_server(max_num_seqs=20), MIX, 16.5) is None
    assert utilisation(linear_server(max_num_seqs=20), MIX, 16.5) == pytest.approx(16.5 * 1.22 / 20)


def test_qwen3_32b_serves_what_llm_d_measures() -> None:
    """Its benchmark of one replica on two H100 has the knee between 3 and 4 requests/s (1,901 tokens/s at most)."""
    server = build_server(model_shape("Qwen3-32B"), accelerator("H100-80GB"), 2)
    capacity = sustainable(server, RequestMix(1000, 1000), Objectives(2.0, 0.1))
    assert 3.0 < capacity.requests_per_s < 4.0


def test_a_decision_takes_microseconds() -> None:
    calls = 200
    start = perf_counter()
    for _ in range(calls):
        sustainable(SERVERS[0], RequestMix(1000, 200), Objectives(2.0, 0.1), 0.15)
    assert (perf_counter() - start) / calls < 1e-3


@given(servers, mixes, all_objectives, st.floats(0.0, 0.5))
def test_the_objective_and_littles_law_hold(
    server: Server, mix: RequestMix, objectives: Objectives, headroom: float
) -> None:
    capacity = sustainable(server, mix, objectives, headroom)
    assume(capacity.requests_per_s > 0)
    assert capacity.tpot_s <= objectives.tpot_s * (1 + 1e-9)
    assert capacity.batch == pytest.approx(capacity.requests_per_s * mix.decode_steps * capacity.tpot_s, rel=1e-6)
    assert capacity.batch <= largest_batch(server, mix)[0]
    assert utilisation(server, mix, capacity.requests_per_s) <= FLAT


@given(servers, mixes, st.floats(0.01, 0.99))
def test_steady_state_and_rate_agree(server: Server, mix: RequestMix, part: float) -> None:
    most, _ = largest_batch(server, mix)
    assume(most >= 1)
    batch = part * most
    rate = batch / (mix.decode_steps * tpot_at(server, mix, batch))
    assume(utilisation(server, mix, rate) <= 1.0)
    state = steady_state(server, mix, rate)
    assert state is not None
    # For answers of a few tokens the rate is flat in the batch, to 2 %, so several batches go with one rate.
    flat = mix.decode_steps < 10
    assert rate == pytest.approx(state.batch / (mix.decode_steps * state.tpot_s), rel=0.02 if flat else 1e-6)


@given(servers, mixes, all_objectives, st.floats(1.05, 3.0))
def test_longer_prompts_and_answers_lower_the_rate(
    server: Server, mix: RequestMix, objectives: Objectives, factor: float
) -> None:
    rate = sustainable(server, mix, objectives).requests_per_s
    longer_prompt = replace(mix, input_tokens=factor * mix.input_tokens)
    longer_answer = replace(mix, output_tokens=factor * mix.output_tokens)
    assert sustainable(server, longer_prompt, objectives).requests_per_s <= rate * FLAT
    assert sustainable(server, longer_answer, objectives).requests_per_s <= rate * FLAT


@given(servers, mixes, all_objectives, st.floats(0.3, 1.0), st.floats(0.3, 1.0))
def test_tighter_objectives_lower_the_rate(
    server: Server, mix: RequestMix, objectives: Objectives, ttft: float, tpot: float
) -> None:
    tighter = Objectives(ttft * objectives.ttft_s, tpot * objectives.tpot_s)
    rate = sustainable(server, mix, objectives).requests_per_s
    assert sustainable(server, mix, tighter).requests_per_s <= rate * FLAT

import pytest

from tests.engine.small import linear_server
from wva.engine.closed_loop import FRONT_END_S, closed_loop
from wva.engine.mix import RequestMix

MIX = RequestMix(input_tokens=1000, output_tokens=101)


def test_one_client_never_waits() -> None:
    latency = closed_loop(linear_server(), MIX, 1)
    assert latency.tpot_s == pytest.approx(10.01e-3)
    assert latency.ttft_s == pytest.approx(FRONT_END_S + 10.01e-3 + 20e-3)


def test_the_prompts_of_others_stall_decoding() -> None:
    """Eleven sequences: steps of 10.11 ms, and 10 prompts of others in 100 steps."""
    assert closed_loop(linear_server(), MIX, 11).tpot_s == pytest.approx(10.11e-3 + 1e-3)


def test_clients_beyond_the_slots_wait_for_one() -> None:
    server = linear_server(max_num_seqs=10)
    full, waiting = closed_loop(server, MIX, 10), closed_loop(server, MIX, 20)
    assert waiting.tpot_s == full.tpot_s
    assert waiting.ttft_s - full.ttft_s == pytest.approx(20e-3 + 100 * full.tpot_s)

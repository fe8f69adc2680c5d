"""The engine time that requests take at least."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.plain import plain
from tests.simulate.fleets import workload
from tests.simulate.test_exact import servers
from wva.engine.batch.memory import blocks_of
from wva.engine.server import Server, StepTime
from wva.simulate.bound.prefix import shared_tokens
from wva.simulate.bound.work import Asked, Line, Share, _lines, count_work, least_work
from wva.workload.blocks import PrefixBlocks

sequence_blocks = plain(blocks_of)

MS = 1_000_000_000
LINE = Line(constant_ps=MS, token_ps=MS / 10)
"""A step takes 1 ms and 0.1 ms for each token."""


def server(kv_blocks: int = 100, max_model_len: int = 1000) -> Server:
    """10 us a sequence, 1 us a token read, 0.5 us a pair; at most 10 sequences and 100 tokens a step."""
    tokens = np.array([MS + n * MS // 10 for n in range(101)], np.int64)
    step = StepTime(tokens, MS // 100, MS // 1000, 0, MS // 2000)
    return Server(step, kv_blocks, 0, 0, 10, 100, max_model_len)


def asked(prompt: int, answer: int, shared: int = 0) -> Asked:
    return Asked(np.array([prompt]), np.array([answer]), np.array([shared]))


@pytest.mark.parametrize(
    ("share", "request_", "prompt_ms", "answer_ms"),
    [
        # 32 tokens, one sequence, 32 x 33 / 2 pairs; two steps with contexts of 32 and 33 tokens before them. The
        # constant's share: a tenth of 1 ms each; 32 and 1 of 100 tokens; 2 and 3 of 100 blocks.
        (Share.SEQUENCES, asked(32, 3), 3.2 + 0.01 + 528 * 0.0005 + 0.1, 2 * 0.11 + 0.065 + 0.2),
        (Share.TOKENS, asked(32, 3), 3.2 + 0.01 + 528 * 0.0005 + 0.32, 2 * 0.11 + 0.065 + 0.02),
        (Share.KV_CACHE, asked(32, 3), 3.2 + 0.01 + 528 * 0.0005 + 0.02, 2 * 0.11 + 0.065 + 0.06),
        # 16 tokens are found: 16 x 16 + 16 x 17 / 2 pairs, and 16 tokens read; their block may be another's.
        (Share.SEQUENCES, asked(32, 3, 16), 1.6 + 0.01 + 392 * 0.0005 + 0.016 + 0.1, 2 * 0.11 + 0.065 + 0.2),
        (Share.KV_CACHE, asked(32, 3, 16), 1.6 + 0.01 + 392 * 0.0005 + 0.016 + 0.01, 2 * 0.11 + 0.065 + 0.04),
        # Three chunks of at most 100 tokens.
        (Share.SEQUENCES, asked(250, 1), 25 + 0.03 + 31375 * 0.0005 + 0.3, 0.0),
    ],
)
def test_by_hand(share: Share, request_: Asked, prompt_ms: float, answer_ms: float) -> None:
    work = count_work(server(), request_, LINE, share)
    assert work.prompt_s[0] == pytest.approx(prompt_ms / 1000)
    assert work.answer_s[0] == pytest.approx(answer_ms / 1000)


def test_an_answer_that_is_cut_short_takes_fewer_steps() -> None:
    # 40 tokens in all leave 8 after a prompt of 32: 7 steps, where 9 were asked for.
    work = count_work(server(max_model_len=40), asked(32, 10), Line(MS, 0.0), Share.SEQUENCES)
    assert work.answer_s[0] == pytest.approx(7 * (0.01 + 0.1) / 1000)


def test_a_prompt_that_does_not_fit_takes_for_ever() -> None:
    work = least_work(server(kv_blocks=2), asked(33, 1))
    assert np.isinf(work.prompt_s[0])


def test_reading_counts_no_more_than_computing() -> None:
    # A preempted sequence computes 32 tokens anew for 32 x 0.1 us instead of reading them for 32 us.
    work = count_work(server(), asked(32, 2), Line(MS, MS / 10_000), Share.SEQUENCES)
    assert work.answer_s[0] == pytest.approx((0.0001 + 0.01 + 32 * 0.0001 + 0.1) / 1000)


@given(st.lists(st.integers(0, 30), min_size=2, max_size=40))
def test_no_line_is_above_the_table(rises: list[int]) -> None:
    table = np.cumsum([100, *rises]) * 1000
    step = StepTime(table.astype(np.int64), 0, 0, 0, 0)
    tokens = np.arange(1, len(table))
    for line in _lines(Server(step, 10, 0, 0, 1, len(table) - 1, 100)):
        assert line.constant_ps >= 0
        assert np.all(line.constant_ps + line.token_ps * tokens <= table[1:] * (1 + 1e-12))


@st.composite
def steps(draw: st.DrawFn) -> tuple[Server, list[int], list[int]]:
    """A server, and the contexts before the decoding sequences and the prompts of a step that it can make."""
    own = draw(servers())
    decoding: list[int] = []
    prompts: list[int] = []
    blocks = tokens = 0
    for _ in range(draw(st.integers(1, own.max_num_seqs))):
        size = draw(st.integers(1, 60))
        decodes = draw(st.booleans())
        held = sequence_blocks(size + decodes, own.window_blocks)
        more = 1 if decodes else size
        if blocks + held > own.kv_blocks or tokens + more > own.max_num_batched_tokens:
            break
        blocks, tokens = blocks + held, tokens + more
        (decoding if decodes else prompts).append(size)
    return replace(own, max_model_len=10_000), decoding, prompts


@given(steps())
def test_a_step_is_never_shorter_than_its_parts(case: tuple[Server, list[int], list[int]]) -> None:
    own, decoding, prompts = case
    if not decoding and not prompts:
        return
    step = own.step
    takes = int(step.tokens_ps[len(decoding) + sum(prompts)]) + step.sequence_ps * (len(decoding) + len(prompts))
    takes += sum(step.kv_token_ps * (n + 1) + step.window_token_ps * min(n + 1, own.window) for n in decoding)
    takes += sum(step.attention_pair_ps * n * (n + 1) // 2 for n in prompts)
    for line in _lines(own):
        for share in Share:
            answers = [count_work(own, asked(n, 2), line, share).answer_s[0] for n in decoding]
            chunks = [count_work(own, asked(n, 1), line, share).prompt_s[0] for n in prompts]
            assert sum(answers) + sum(chunks) <= takes * 1e-12 * (1 + 1e-9)


def test_what_prompts_share() -> None:
    # Blocks of 32 tokens: the second prompt's second block is not whole, the third begins otherwise, the fourth has
    # one block twice.
    lists = [(0, 1, 2), (0, 1), (5, 1), (7, 7)]
    ids = np.array([i for own in lists for i in own], np.int32)
    blocks = PrefixBlocks(np.cumsum([0, *map(len, lists)]).astype(np.int64), ids, 8, 32)
    offered = replace(workload([(0.0, 96, 1), (0.0, 40, 1), (0.0, 64, 1), (0.0, 64, 1)]), blocks=blocks)
    assert shared_tokens(offered).tolist() == [64, 32, 0, 64]
    assert shared_tokens(workload([(0.0, 96, 1)])).tolist() == [0]

"""Prompts are as long as asked, and share the beginnings that the workload says they share."""

import json

import numpy as np
import pytest

from wva.workload.blocks import PrefixBlocks
from wva.workload.driver.prompts import Bodies, PromptKind
from wva.workload.merge import Workload

BLOCK = 4


def workload(*inputs: int, blocks: list[list[int]] | None = None) -> Workload:
    """Requests at once, whose prompts have so many tokens and these shared blocks of four."""
    count = len(inputs)
    shared = None
    if blocks is not None:
        offsets = np.cumsum([0] + [len(one) for one in blocks])
        shared = PrefixBlocks(offsets, np.array([block for one in blocks for block in one], np.int32), 100, BLOCK)
    return Workload(
        arrival_ps=np.zeros(count, np.int64),
        model=np.zeros(count, np.int16),
        input_tokens=np.array(inputs, np.int32),
        output_tokens=np.arange(7, 7 + count, dtype=np.int32),
        blocks=shared,
        models=("m",),
        window_s=1.0,
    )


@pytest.mark.parametrize("tokens", [1, 2, 3, 4, 5, 1000, 33_333])
def test_a_prompt_has_the_asked_number_of_tokens(tokens: int) -> None:
    body = json.loads(Bodies(workload(tokens), PromptKind.IDS, 1).body(0))
    assert len(body["prompt"]) == tokens
    assert all(100 <= token < 1000 for token in body["prompt"])
    assert (body["model"], body["max_tokens"], body["ignore_eos"], body["stream"]) == ("m", 7, True, True)
    text = json.loads(Bodies(workload(tokens), PromptKind.TEXT, 1).body(0))["prompt"]
    assert len(text.split()) == tokens


@pytest.mark.parametrize("kind", list(PromptKind))
def test_prompts_share_what_their_blocks_share_and_nothing_else(kind: PromptKind) -> None:
    shared = workload(10, 12, 6, 10, blocks=[[1, 2], [1, 3], [1, 2], []])
    bodies = Bodies(shared, kind, 1)
    separator = b"," if kind is PromptKind.IDS else b" "
    one, two, three, four = (bodies.prompt(request).split(separator) for request in range(4))
    assert [len(prompt) for prompt in (one, two, three, four)] == [10, 12, 6, 10]
    assert one[:4] == two[:4]
    assert one[4:8] != two[4:8]
    # The last block of a prompt may be part of one.
    assert three == one[:6]
    assert one[8:] != two[8:10]
    assert one[:4] != four[:4]


def test_prompts_without_blocks_differ_by_request_and_seed_and_are_the_same_again() -> None:
    made = [Bodies(workload(50, 50), PromptKind.IDS, seed).prompt(request) for seed in (1, 2) for request in (0, 1)]
    assert len(set(made)) == 4
    assert Bodies(workload(50, 50), PromptKind.IDS, 1).prompt(1) == made[1]

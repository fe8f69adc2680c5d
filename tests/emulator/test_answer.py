"""Tokens, texts, prompts' blocks: the emulator's own rules."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.emulator.answer import Answer, Sampling, decide_answer
from wva.emulator.prefixes import BlockIds, block_hashes
from wva.emulator.tokens import Words, count_tokens, tokenize

WORDS = Words(0)


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("äöü", 2), ("x" * 400, 100)]
)
def test_four_bytes_are_a_token(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens
    assert len(tokenize(text, 1000)) == tokens


@given(st.text(), st.text())
def test_a_common_beginning_has_the_same_tokens(beginning: str, ending: str) -> None:
    whole = len(beginning.encode()) // 4
    assert (tokenize(beginning + ending, 997)[:whole] == tokenize(beginning, 997)[:whole]).all()


def test_texts_are_plain_and_go_on_for_ever() -> None:
    text = WORDS.text(3, 0, 400_000).decode()
    assert len(text) == 400_000
    assert json.dumps(text) == f'"{text}"'
    assert WORDS.text(3, 100_000, 100_007).decode() == text[100_000:100_007]
    assert Words(1).text(3, 0, 40) != WORDS.text(3, 0, 40)


def answer(prompt: bytes = b"p", choice: int = 0, **sampling: Any) -> Answer:
    return decide_answer(WORDS, 50.0, Sampling(**{"max_tokens": 100_000, **sampling}), prompt, choice, 0)


def test_the_same_request_gets_the_same_answer() -> None:
    assert answer() == answer()
    different = [answer(), answer(prompt=b"q"), answer(choice=1), answer(seed=1)]
    assert len({one.offset for one in different}) == 4


def test_answers_that_end_by_themselves_are_as_long_as_asked_on_average() -> None:
    tokens = [answer(prompt=str(i).encode()).tokens for i in range(4000)]
    # The mean of 4,000 geometric draws has a standard deviation of 50 / sqrt(4000) = 0.8.
    assert np.mean(tokens) == pytest.approx(50, abs=4)
    assert min(tokens) >= 1


@pytest.mark.parametrize(
    ("sampling", "tokens", "reason"),
    [
        ({"max_tokens": 7, "ignore_eos": True}, 7, "length"),
        ({"max_tokens": 1, "ignore_eos": True}, 1, "length"),
        ({"min_tokens": 99_999}, 99_999, "stop"),
        ({"max_tokens": 500, "min_tokens": 500}, 500, "stop"),
    ],
)
def test_limits_of_an_answer(sampling: dict[str, Any], tokens: int, reason: str) -> None:
    decided = answer(**sampling)
    assert (decided.tokens, decided.finish_reason) == (tokens, reason)
    assert decided.text_bytes == 4 * (tokens if reason == "length" else tokens - 1)


def test_the_first_stop_string_to_be_complete_counts_and_not_before_the_least_tokens() -> None:
    whole = answer(max_tokens=200, ignore_eos=True)
    text = whole.text(WORDS, 0, 200).decode()
    early, late = text[10:16], text[30:36]
    cut = answer(max_tokens=200, ignore_eos=True, stop=(late, early))
    assert (cut.stop_reason, cut.text(WORDS, 0, 200).decode(), cut.tokens) == (early, text[:10], 4)
    kept = answer(max_tokens=200, ignore_eos=True, stop=(late, early), include_stop=True)
    assert kept.text(WORDS, 0, 200).decode() == text[:16]
    later = answer(max_tokens=200, ignore_eos=True, stop=(late, early), min_tokens=8)
    assert later.stop_reason == late


@given(st.lists(st.integers(0, 3), max_size=100), st.integers(0, 100))
def test_blocks_are_the_same_as_long_as_everything_before_is(tokens: list[int], change: int) -> None:
    hashes = block_hashes(np.array(tokens, np.uint32))
    assert len(hashes) == len(tokens) // 16
    changed = list(tokens)
    if change < len(tokens):
        changed[change] += 1
    other = block_hashes(np.array(changed, np.uint32))
    same = len(tokens) // 16 if change >= len(tokens) else min(change // 16, len(hashes))
    assert hashes[:same] == other[:same]
    assert not set(hashes[same:]) & set(other[same:])


def test_a_number_is_free_when_neither_a_request_nor_the_cache_needs_it() -> None:
    ids = BlockIds(3)
    first = ids.take([b"a", b"b"])
    assert ids.missing([b"a", b"c"]) == 0
    second = ids.take([b"a", b"c"])
    assert second[0] == first[0]
    assert ids.missing([b"d"]) == 1
    ids.release(first)
    present = np.zeros(3)
    present[first[1]] = 1
    ids.collect(present)
    assert ids.missing([b"d"]) == 1
    ids.collect(np.zeros(3))
    assert ids.missing([b"d"]) == 0
    ids.grow(5)
    assert ids.size == 5
    assert len(set(ids.take([b"a", b"c", b"d", b"e", b"f"]).tolist())) == 5

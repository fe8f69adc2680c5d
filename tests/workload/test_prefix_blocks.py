from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wva.fleet.errors import UserError
from wva.workload.blocks import PrefixBlocks, concatenate, dense, without_blocks

Rows = list[list[int]]
rows_of_blocks = st.lists(st.lists(st.integers(-(2**62), 2**62), max_size=4), max_size=8)


def blocks_of(rows: Rows, tokens: int = 512) -> PrefixBlocks:
    hashes = np.array([block for row in rows for block in row], np.int64)
    return dense(np.array([len(row) for row in rows], np.int64), hashes, tokens)


def rows_in(blocks: PrefixBlocks) -> Rows:
    bounds = blocks.offsets.tolist()
    return [blocks.ids[a:b].tolist() for a, b in pairwise(bounds)]


def same_sharing(a: Rows, b: Rows) -> bool:
    """Whether a renaming of ids turns one into the other."""
    flat_a, flat_b = [x for row in a for x in row], [x for row in b for x in row]
    pairs = set(zip(flat_a, flat_b, strict=True))
    return [len(row) for row in a] == [len(row) for row in b] and len(pairs) == len(set(flat_a)) == len(set(flat_b))


@settings(deadline=None)
@given(rows_of_blocks)
def test_ids_are_dense_and_tell_the_same_blocks_apart(rows: Rows) -> None:
    blocks = blocks_of(rows)
    assert same_sharing(rows_in(blocks), rows)
    assert sorted(set(blocks.ids.tolist())) == list(range(blocks.distinct))


@settings(deadline=None)
@given(rows_of_blocks, st.data())
def test_taken_rows_are_the_rows_asked_for(rows: Rows, data: st.DataObject) -> None:
    blocks = blocks_of(rows)
    order = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=10)) if rows else []
    taken = blocks.take(np.array(order, np.int64))
    assert rows_in(taken) == [rows_in(blocks)[row] for row in order]
    assert taken.distinct == blocks.distinct


@settings(deadline=None)
@given(rows_of_blocks, rows_of_blocks)
def test_concatenated_parts_share_nothing(first: Rows, second: Rows) -> None:
    both = concatenate([blocks_of(first), blocks_of(second)])
    rows = rows_in(both)
    assert same_sharing(rows[: len(first)], first)
    assert same_sharing(rows[len(first) :], second)
    ids_of_first = {block for row in rows[: len(first)] for block in row}
    ids_of_second = {block for row in rows[len(first) :] for block in row}
    assert not ids_of_first & ids_of_second
    assert all(block < both.distinct for block in ids_of_first | ids_of_second)


def test_requests_without_blocks_have_empty_rows() -> None:
    assert rows_in(concatenate([without_blocks(2, 512), blocks_of([[5]])])) == [[], [], [0]]


def test_block_sizes_do_not_mix() -> None:
    with pytest.raises(UserError, match=r"\[16, 512\]"):
        concatenate([blocks_of([[1]], 512), blocks_of([[1]], 16)])


def test_more_blocks_than_ids_is_refused() -> None:
    half = PrefixBlocks(np.zeros(1, np.int64), np.empty(0, np.int32), 2**30, 512)
    concatenate([half])
    with pytest.raises(UserError, match="lower the scale"):
        concatenate([half, half])

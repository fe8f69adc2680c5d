"""The prefix blocks of requests: which leading pieces of a prompt two requests share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wva.fleet.errors import UserError


@dataclass(frozen=True, slots=True, eq=False)
class PrefixBlocks:
    """Hashed blocks of prompts in compressed sparse rows: request ``i`` has ``ids[offsets[i]:offsets[i + 1]]``.

    Two requests with the same id at a place share their prompt up to the end of that block. The last block of a prompt
    may be partial.
    """

    offsets: NDArray[np.int64]
    """Shape (requests + 1,): where each request's blocks start, from 0."""
    ids: NDArray[np.int32]
    """Shape (blocks,): dense block ids, each in ``range(distinct)``."""
    distinct: int
    """One more than the largest id that may occur."""
    tokens: int
    """Prompt tokens in a whole block."""

    def __post_init__(self) -> None:
        if len(self.offsets) == 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.ids):
            raise ValueError("block offsets must run from 0 to the number of blocks")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: NDArray[np.integer]) -> Self:
        """The blocks of these requests, in this order; ids keep their meaning."""
        offsets = _offsets(np.diff(self.offsets)[rows])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], np.diff(offsets))
        return type(self)(offsets=offsets, ids=self.ids[places], distinct=self.distinct, tokens=self.tokens)

    def between(self, first: int, last: int) -> Self:
        """The blocks of requests ``first`` to ``last - 1``, without copying ids."""
        bounds = self.offsets[first : last + 1]
        return type(self)(bounds - bounds[0], self.ids[bounds[0] : bounds[-1]], self.distinct, self.tokens)


def dense(lengths: NDArray[np.integer], hashes: NDArray[np.int64], tokens: int) -> PrefixBlocks:
    """Blocks from each request's number of blocks and all hashes in a row; equal hashes get equal ids."""
    distinct, ids = np.unique(hashes, return_inverse=True)
    return PrefixBlocks(_offsets(lengths), ids.astype(np.int32), len(distinct), tokens)


def without_blocks(requests: int, tokens: int) -> PrefixBlocks:
    """Requests of which none shares a prefix with another."""
    return PrefixBlocks(np.zeros(requests + 1, np.int64), np.empty(0, np.int32), 0, tokens)


def concatenate(parts: Sequence[PrefixBlocks]) -> PrefixBlocks:
    """All parts one after the other; ids of different parts never meet.

    Raises:
        UserError: The parts hold more distinct blocks than 32 bits can number, or differ in the size of a block.

    """
    sizes = sorted({part.tokens for part in parts})
    if len(sizes) != 1:
        raise UserError(f"traces with prefix blocks of {sizes} tokens cannot be merged; use traces of one block size")
    distinct = sum(part.distinct for part in parts)
    if distinct > np.iinfo(np.int32).max:
        raise UserError(f"{distinct} distinct prefix blocks are more than fit in memory; lower the scale")
    ids = np.empty(sum(len(part.ids) for part in parts), np.int32)
    start = first_id = 0
    for part in parts:
        np.add(part.ids, np.int32(first_id), out=ids[start : start + len(part.ids)])
        start += len(part.ids)
        first_id += part.distinct
    return PrefixBlocks(_offsets(np.concatenate([np.diff(part.offsets) for part in parts])), ids, distinct, sizes[0])


def _offsets(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets

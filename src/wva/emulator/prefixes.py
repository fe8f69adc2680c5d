"""Which KV blocks of prompts are the same: by the hash of a block's tokens and of all before it, as vLLM does."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.engine.server import BLOCK_TOKENS

_DIGEST_BYTES = 16
_BLOCK_BYTES = BLOCK_TOKENS * np.dtype(np.uint32).itemsize


def block_hashes(tokens: NDArray[np.uint32]) -> list[bytes]:
    """Hashes of the blocks that a prompt fills whole, first to last."""
    data = tokens.tobytes()
    hashes = []
    parent = b""
    for begin in range(0, len(data) - _BLOCK_BYTES + 1, _BLOCK_BYTES):
        parent = blake2b(data[begin : begin + _BLOCK_BYTES], digest_size=_DIGEST_BYTES, key=parent).digest()
        hashes.append(parent)
    return hashes


class BlockIds:
    """Small numbers for block hashes, as the engine wants them.

    A number is a hash's own as long as a request lists the block or the cache holds it; then another gets it.
    """

    def __init__(self, size: int) -> None:
        """Room for ``size`` blocks."""
        self._ids: dict[bytes, int] = {}
        self._hashes: list[bytes | None] = [None] * size
        self._listed = np.zeros(size, np.int32)
        self._free = list(range(size - 1, -1, -1))

    @property
    def size(self) -> int:
        """Numbers that there are."""
        return len(self._hashes)

    def missing(self, hashes: Sequence[bytes]) -> int:
        """How many more numbers these blocks need than are free."""
        return sum(found not in self._ids for found in hashes) - len(self._free)

    def collect(self, present: NDArray[Any]) -> None:
        """Free the numbers that no request lists and the cache does not hold; ``present`` has shape (size,)."""
        for number in np.flatnonzero((self._listed == 0) & (present == 0)).tolist():
            found = self._hashes[number]
            if found is not None:
                del self._ids[found]
                self._hashes[number] = None
                self._free.append(number)

    def grow(self, size: int) -> None:
        """Make room for ``size`` blocks in all."""
        self._free[:0] = range(size - 1, self.size - 1, -1)
        self._listed = np.concatenate([self._listed, np.zeros(size - self.size, np.int32)])
        self._hashes += [None] * (size - self.size)

    def take(self, hashes: Sequence[bytes]) -> NDArray[np.int32]:
        """List these blocks for a request and give their numbers; enough must be free."""
        numbers = np.empty(len(hashes), np.int32)
        for index, found in enumerate(hashes):
            number = self._ids.get(found)
            if number is None:
                number = self._free.pop()
                self._ids[found] = number
                self._hashes[number] = found
            numbers[index] = number
        self._listed[numbers] += 1
        return numbers

    def release(self, numbers: NDArray[np.int32]) -> None:
        """Take the blocks of a request off the list."""
        self._listed[numbers] -= 1

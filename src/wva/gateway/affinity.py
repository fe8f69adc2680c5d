"""Which replica has served the beginning of a prompt before, and so may have it in its prefix cache."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

BLOCK_BYTES = 1024
"""Text of a prompt that is hashed together: some 256 tokens."""
MAX_BLOCKS = 32
"""Blocks of a prompt that are looked at."""
LEADING_BYTES = BLOCK_BYTES * MAX_BLOCKS


def prefix_hashes(model: str, leading: bytes) -> tuple[bytes, ...]:
    """Hashes of the beginnings of a prompt, the shortest first, each of one whole block more than the one before."""
    digest = blake2b(model.encode(), digest_size=16)
    hashes = []
    for start in range(0, min(len(leading), LEADING_BYTES) // BLOCK_BYTES * BLOCK_BYTES, BLOCK_BYTES):
        digest.update(leading[start : start + BLOCK_BYTES])
        hashes.append(digest.digest())
    return tuple(hashes)


class PrefixMemory:
    """The instance that got each beginning last; the least recently used are forgotten."""

    def __init__(self, size: int) -> None:
        """``size`` beginnings are remembered at most."""
        self._size = size
        self._instances: OrderedDict[bytes, str] = OrderedDict()

    def holder(self, hashes: Sequence[bytes]) -> str | None:
        """The instance that got the longest of these beginnings; ``None`` where none is known."""
        return next((self._instances[one] for one in reversed(hashes) if one in self._instances), None)

    def remember(self, hashes: Sequence[bytes], instance: str) -> None:
        """Note that an instance gets these beginnings."""
        for one in hashes:
            self._instances[one] = instance
            self._instances.move_to_end(one)
        while len(self._instances) > self._size:
            self._instances.popitem(last=False)

"""The emulator's tokens: a plain rule instead of a vocabulary.

Every four bytes of UTF-8 text are one token (the last may have fewer), about what tokenizers make of English. Its id
is those bytes as a little-endian number, modulo the model's vocabulary. Prompts given as token ids are taken as they
are, so that token counts can be asked for exactly. Tokens of answers are words of four letters, the blank included.
"""

import random

import numpy as np
from numpy.typing import NDArray

TOKEN_BYTES = 4
"""Bytes of text in one token."""

_CYCLE = 4096
"""Words after which the text of an answer repeats itself."""


def count_tokens(text: str) -> int:
    """Tokens of a text."""
    return -(-len(text.encode()) // TOKEN_BYTES)


def tokenize(text: str, vocabulary: int) -> NDArray[np.uint32]:
    """Ids of a text's tokens, each below ``vocabulary``."""
    data = text.encode()
    padded = data + bytes(-len(data) % TOKEN_BYTES)
    return np.frombuffer(padded, "<u4") % np.uint32(vocabulary)


class Words:
    """An endless text of four-letter words, the same for the same seed; every answer begins somewhere in it."""

    def __init__(self, seed: int) -> None:
        """Draw the text."""
        draw = random.Random(seed)
        words = (
            f" {draw.choice('bcdfghjklmnprstvwz')}{draw.choice('aeiou')}{draw.choice('bdgklmnprstx')}"
            for _ in range(_CYCLE)
        )
        self._text = "".join(words).encode()
        self._twice = 2 * self._text

    def text(self, offset: int, begin: int, end: int) -> bytes:
        """Bytes ``begin`` up to ``end`` of the answer that begins ``offset`` words into the text."""
        first = (offset * TOKEN_BYTES + begin) % len(self._text)
        length = end - begin
        if length <= len(self._text):
            return self._twice[first : first + length]
        return (self._twice[first:] + self._text * (length // len(self._text) + 1))[:length]

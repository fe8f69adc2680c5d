"""What the model will answer, decided before it begins: how many tokens, which text, why it ends.

Without ``ignore_eos`` the length is drawn, geometrically distributed, so that the end is as likely after every token.
It and the text depend on the server's seed, the request's own seed, the prompt and the number of the choice only: the
same request gets the same answer.
"""

import math
from dataclasses import dataclass
from hashlib import blake2b

from wva.emulator.tokens import TOKEN_BYTES, Words


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a request says about its answers."""

    max_tokens: int
    min_tokens: int = 0
    ignore_eos: bool = False
    stop: tuple[str, ...] = ()
    include_stop: bool = False
    """Whether the stop string stays in the text."""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to come."""

    tokens: int
    finish_reason: str
    """``length`` or ``stop``."""
    stop_reason: str | None
    """The stop string that ends it."""
    offset: int
    """Where its text begins in the server's words."""
    text_bytes: int
    """Bytes of its text; the token that ends it by itself has none."""

    def text(self, words: Words, begin: int, end: int) -> bytes:
        """The text of its tokens from ``begin`` up to ``end``."""
        last = min(end * TOKEN_BYTES, self.text_bytes)
        return words.text(self.offset, begin * TOKEN_BYTES, last) if last > begin * TOKEN_BYTES else b""


def decide_answer(
    words: Words, mean_tokens: float, sampling: Sampling, prompt: bytes, choice: int, server_seed: int
) -> Answer:
    """The answer to a prompt; ``mean_tokens`` is what answers that end by themselves have on average."""
    key = f"{server_seed}/{sampling.seed}/{choice}/".encode()
    digest = blake2b(key + prompt, digest_size=16).digest()
    offset = int.from_bytes(digest[:4], "little")
    most = sampling.max_tokens
    ends = most + 1 if sampling.ignore_eos else max(_drawn_tokens(digest[4:12], mean_tokens), sampling.min_tokens, 1)
    by_itself = ends <= most
    tokens = min(ends, most)
    text_bytes = (tokens - 1 if by_itself else tokens) * TOKEN_BYTES
    found = _first_stop(words.text(offset, 0, text_bytes).decode(), sampling) if sampling.stop else None
    if found is not None:
        stop, shown, end = found
        return Answer(-(-end // TOKEN_BYTES), "stop", stop, offset, shown)
    return Answer(tokens, "stop" if by_itself else "length", None, offset, text_bytes)


def _drawn_tokens(digest: bytes, mean: float) -> int:
    """Geometrically distributed tokens, at least 1."""
    if mean <= 1.0:
        return 1
    uniform = (int.from_bytes(digest, "little") + 0.5) / 2**64
    return 1 + int(math.log(uniform) / math.log1p(-1.0 / mean))


def _first_stop(text: str, sampling: Sampling) -> tuple[str, int, int] | None:
    """(stop string, bytes of text to show, bytes up to its end) of the one that is complete first."""
    least = sampling.min_tokens * TOKEN_BYTES
    found = []
    for stop in sampling.stop:
        begin = text.find(stop, max(0, least - len(stop)))
        if begin >= 0:
            end = begin + len(stop)
            found.append((end, begin, stop))
    if not found:
        return None
    end, begin, stop = min(found)
    return stop, end if sampling.include_stop else begin, end

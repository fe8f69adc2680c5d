"""What an answer of the OpenAI API tells of itself as it passes by: its tokens, its end, its failure."""

import re
from dataclasses import dataclass, field

_EVENT = b"data:"
_ERROR_EVENT = b'data: {"error"'
_DONE = b"[DONE]"
_TAIL_BYTES = 2048
_COMPLETION_TOKENS = re.compile(rb'"completion_tokens"\s*:\s*(\d+)')


@dataclass(slots=True)
class TokenCount:
    """Counts the tokens of an answer that passes by."""

    streaming: bool
    events: int = 0
    failed: bool = False
    """Whether the replica reported an error in the stream."""
    _tail: bytearray = field(default_factory=bytearray)
    """Its last bytes, and up to three times as many before: cut rarely, as pieces are small and many."""

    def take(self, chunk: bytes) -> None:
        """Look at a part of the answer."""
        if self.streaming:
            self.events += chunk.count(_EVENT)
            self.failed = self.failed or _ERROR_EVENT in chunk
        self._tail += chunk
        if len(self._tail) > 4 * _TAIL_BYTES:
            del self._tail[:-_TAIL_BYTES]

    @property
    def complete(self) -> bool:
        """Whether the stream ended with the mark that ends it."""
        return _DONE in self._tail

    @property
    def tokens(self) -> int:
        """Tokens of the answer: what its usage says, else one for each event but the last."""
        told = _COMPLETION_TOKENS.findall(self._tail)
        if told:
            return int(told[-1])
        return max(self.events - 1, 0)

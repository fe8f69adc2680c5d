"""The bodies of requests: prompts of the asked lengths, which share the beginnings that the workload says they share.

A token is four bytes on the wire either way, so that what reckons tokens from bytes is right: an id of three digits
and a comma, or a word of three letters and a space. Ids are exact for every model, words about right for most.
"""

import json
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wva.workload.merge import Workload

_IDS = np.array([list(f"{number},".encode()) for number in range(100, 1000)], np.uint8)
_WORDS = np.array(
    [
        list(f"{word} ".encode())
        for line in (
            "the and for are but not you all any can had her was one our out day get has him his how man new now old",
            "see two way who boy did its let put say she too use dad mom big red run sun top box car cat dog end eye",
            "far few got ask add act age ago air arm art bad bag bed bit",
        )
        for word in line.split()
    ],
    np.uint8,
)
_BLOCKS_KEPT = 4096
_OWN, _SHARED = 0, 1


class PromptKind(StrEnum):
    """How a prompt is written."""

    IDS = "ids"
    """As token ids: exactly as long as asked."""
    TEXT = "text"
    """As words, each about a token."""


class Bodies:
    """Makes the bodies of a workload's requests."""

    def __init__(self, workload: Workload, kind: PromptKind, seed: int) -> None:
        """Prompts of another ``seed`` share nothing with these."""
        self._workload = workload
        self._kind = kind
        self._seed = seed
        self._symbols = _IDS if kind is PromptKind.IDS else _WORDS
        self._shared = lru_cache(_BLOCKS_KEPT)(self._block)

    def body(self, request: int) -> bytes:
        """The JSON body of a request, by its place in the workload."""
        prompt = self.prompt(request)
        quoted = b"[" + prompt + b"]" if self._kind is PromptKind.IDS else b'"' + prompt + b'"'
        rest = {
            "max_tokens": int(self._workload.output_tokens[request]),
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        model = json.dumps(self._workload.models[self._workload.model[request]])
        return b'{"model":' + model.encode() + b',"prompt":' + quoted + b"," + json.dumps(rest).encode()[1:]

    def prompt(self, request: int) -> bytes:
        """The symbols of a prompt, without the last separator."""
        tokens = int(self._workload.input_tokens[request])
        shared = self._blocks(request)
        parts = [self._shared(int(block)) for block in shared]
        own = tokens - len(parts) * self._block_tokens
        if own > 0:
            parts.append(self._draw((_OWN, request), own))
        return b"".join(parts)[: 4 * tokens - 1]

    @property
    def _block_tokens(self) -> int:
        return 0 if self._workload.blocks is None else self._workload.blocks.tokens

    def _blocks(self, request: int) -> NDArray[np.int32]:
        blocks = self._workload.blocks
        if blocks is None:
            return np.empty(0, np.int32)
        return blocks.ids[blocks.offsets[request] : blocks.offsets[request + 1]]

    def _block(self, block: int) -> bytes:
        return self._draw((_SHARED, block), self._block_tokens)

    def _draw(self, key: tuple[int, int], tokens: int) -> bytes:
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key))
        return self._symbols[rng.integers(0, len(self._symbols), tokens)].tobytes()

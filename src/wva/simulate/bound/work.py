"""The engine time that a request takes at least, so counted that a step is never shorter than its parts.

A step of ``n`` tokens takes ``tokens_ps[n]`` and more. Any line ``a + b n`` that lies nowhere above the table, with
``a, b >= 0``, bounds it from below; those through neighbours on the table's lower convex hull are the highest. What
``b`` and the other terms of the step time cost is counted for each token, sequence and pair as it is. The constant
``a`` is shared by whatever is in the step, in one of three ways, each of which gives out at most the whole of it: a
sequence takes its part of ``max_num_seqs``, a token its part of ``max_num_batched_tokens``, or a sequence the part of
the KV cache that it holds for itself (blocks that other requests have too are left out, as they may share them).

A preempted sequence computes its tokens anew, and the last of these stands for the decode step that it saves. That is
work on top, but that step's context is then not read: so a decode step is counted with the context before it, and with
no more for each token read than ``b``, which the recomputation pays.

A prompt may find its beginning in the prefix cache, as far as any other request of the traffic begins with the same
blocks.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from wva.engine.batch.state import PICOSECONDS
from wva.engine.memory import longest_sequence
from wva.engine.server import BLOCK_TOKENS, Server

_SAMPLE = 100_000
"""Requests by which the best way of counting is chosen."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Share(Enum):
    """By what a step's constant time is shared among what is in it."""

    SEQUENCES = auto()
    TOKENS = auto()
    KV_CACHE = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """A step of ``n`` tokens takes at least ``constant_ps + token_ps * n`` beyond its attention and sequences."""

    constant_ps: float
    token_ps: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What requests ask for."""

    input_tokens: Integers
    output_tokens: Integers
    shared_tokens: Integers
    """Tokens at the beginning of each prompt that another request has too, in whole trace blocks."""

    def some(self, most: int) -> "Asked":
        """Every so many of them, so that there are at most about ``most``."""
        step = slice(None, None, max(1, len(self.input_tokens) // most))
        return Asked(self.input_tokens[step], self.output_tokens[step], self.shared_tokens[step])


@dataclass(frozen=True, slots=True)
class Work:
    """Engine seconds that each request takes at least on one kind of server; infinite where its prompt is too long."""

    prompt_s: Floats
    """Until its first token."""
    answer_s: Floats
    """For all further tokens."""


def least_work(server: Server, asked: Asked) -> Work:
    """Each request's work, counted the way that finds most work in all of them."""
    some = asked.some(_SAMPLE)
    ways = [(line, share) for line in _lines(server) for share in Share]
    return count_work(server, asked, *max(ways, key=lambda way: _total(count_work(server, some, *way))))


def count_work(server: Server, asked: Asked, line: Line, share: Share) -> Work:
    """Each request's work by one line and one way of sharing its constant."""
    counted = _Count(server, line, share)
    fits = asked.input_tokens <= server.longest_prompt
    return Work(
        np.where(fits, counted.prompts_ps(asked) / PICOSECONDS, np.inf),
        np.where(fits, counted.answers_ps(asked) / PICOSECONDS, np.inf),
    )


def _total(work: Work) -> float:
    every = work.prompt_s + work.answer_s
    return float(every[np.isfinite(every)].sum())


def _lines(server: Server) -> Iterator[Line]:
    """A flat line, and lines through neighbours on the lower convex hull, near 8, 16, 32, ... tokens."""
    table = server.step.tokens_ps.astype(np.float64)
    tokens = np.arange(1, len(table))
    yield Line(float(table[1:].min()), 0.0)
    hull = _lower_hull(table)
    wanted = 8
    for left, right in itertools.pairwise(hull):
        if right >= wanted or right == hull[-1]:
            slope = float((table[right] - table[left]) / (right - left))
            constant = float(np.min(table[1:] - slope * tokens))
            if slope > 0.0 and constant >= 0.0:
                yield Line(constant, slope)
            while wanted <= right:
                wanted *= 2


def _lower_hull(table: Floats) -> list[int]:
    """Tokens, from 1, at which the lower convex hull of the step times has its corners."""
    corners: list[int] = []
    for tokens in range(1, len(table)):
        while len(corners) > 1:
            first, second = corners[-2], corners[-1]
            rise = (table[second] - table[first]) * (tokens - first)
            if rise < (table[tokens] - table[first]) * (second - first):
                break
            corners.pop()
        corners.append(tokens)
    return corners


@dataclass(frozen=True, slots=True)
class _Count:
    server: Server
    line: Line
    share: Share

    def prompts_ps(self, asked: Asked) -> Floats:
        """The cheaper of computing all of a prompt and of finding all that is shared; what lies between costs more."""
        cached = np.minimum(asked.shared_tokens, asked.input_tokens - 1)
        nothing = np.zeros_like(cached)
        whole = self._prompt_ps(asked.input_tokens, nothing, asked.shared_tokens)
        if not cached.any():
            return whole
        return np.minimum(whole, self._prompt_ps(asked.input_tokens, cached, asked.shared_tokens))

    def answers_ps(self, asked: Asked) -> Floats:
        """Decode steps: one for each token after the first, up to where the longest context may cut it short."""
        server, line = self.server, self.line
        prompt = asked.input_tokens
        longest = longest_sequence(server.kv_blocks, server.window_blocks)
        produced = np.minimum(asked.output_tokens, min(server.max_model_len, longest) - prompt)
        steps = np.maximum(produced, 1) - 1
        read_ps, window_ps = self._reading_ps()
        last = prompt + steps - 1
        read = _sum_to(last) - _sum_to(prompt - 1)
        within = _capped_sum_to(last, server.window) - _capped_sum_to(prompt - 1, server.window)
        own = steps * (line.token_ps + server.step.sequence_ps) + read_ps * read + window_ps * within
        answers: Floats = own + line.constant_ps * self._answer_share(prompt, steps, asked.shared_tokens)
        return answers

    def _prompt_ps(self, prompt: Integers, cached: Integers, shared: Integers) -> Floats:
        step, server = self.server.step, self.server
        computed = prompt - cached
        # More chunks than these only cost more; and what is cached is as long as can be.
        chunks = -(-(prompt - np.minimum(shared, prompt - 1)) // server.max_num_batched_tokens)
        pairs = computed * cached + computed * (computed + 1) // 2
        read_ps = step.kv_token_ps * cached + step.window_token_ps * np.minimum(cached, server.window)
        own = self.line.token_ps * computed + step.sequence_ps * chunks + step.attention_pair_ps * pairs + read_ps
        prompts: Floats = own + self.line.constant_ps * self._prompt_share(prompt, computed, chunks, shared)
        return prompts

    def _prompt_share(self, prompt: Integers, computed: Integers, chunks: Integers, shared: Integers) -> Floats:
        """Part of a step's constant that the chunks of a prompt take together; of the KV cache, the last chunk's."""
        match self.share:
            case Share.SEQUENCES:
                return chunks / self.server.max_num_seqs
            case Share.TOKENS:
                return computed / self.server.max_num_batched_tokens
            case Share.KV_CACHE:
                return self._own_blocks(_blocks_to(prompt, self.server) - _blocks_to(prompt - 1, self.server), shared)

    def _answer_share(self, prompt: Integers, steps: Integers, shared: Integers) -> Floats:
        match self.share:
            case Share.SEQUENCES:
                return steps / self.server.max_num_seqs
            case Share.TOKENS:
                return steps / self.server.max_num_batched_tokens
            case Share.KV_CACHE:
                held = _blocks_to(prompt + steps, self.server) - _blocks_to(prompt, self.server)
                return self._own_blocks(held, shared * steps)

    def _own_blocks(self, blocks: Integers, shared_tokens: Integers) -> Floats:
        part: Floats = np.maximum(blocks - shared_tokens // BLOCK_TOKENS, 0) / self.server.kv_blocks
        return part

    def _reading_ps(self) -> tuple[float, float]:
        """What reading one token costs in all layers and in those with a window, as far as recomputing it costs it."""
        step, most = self.server.step, self.line.token_ps
        read = min(float(step.kv_token_ps), most)
        return read, min(float(step.window_token_ps), most - read)


def _sum_to(last: Integers) -> Integers:
    """1 + 2 + ... + last."""
    return last * (last + 1) // 2


def _capped_sum_to(last: Integers, cap: int) -> Integers:
    """min(1, cap) + ... + min(last, cap)."""
    inside = np.minimum(last, cap)
    return _sum_to(inside) + cap * (last - inside)


def _blocks_to(last: Integers, server: Server) -> Integers:
    """Blocks that sequences of 1, 2, ..., ``last`` tokens hold together."""
    own = _block_sum_to(last)
    within = np.minimum(last, server.window_blocks * BLOCK_TOKENS)
    return own + _block_sum_to(within) + server.window_blocks * (last - within)


def _block_sum_to(last: Integers) -> Integers:
    full, rest = last // BLOCK_TOKENS, last % BLOCK_TOKENS
    return BLOCK_TOKENS * _sum_to(full) + rest * (full + 1)

"""One request under way: its sequences in the engine, what became of them, and who is told."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from wva.emulator.answer import Answer
from wva.emulator.driver import Driver, EngineSequence
from wva.emulator.engine import Times, Work
from wva.emulator.errors import ApiError, engine_failed
from wva.emulator.metrics.requests import RequestMetrics
from wva.emulator.protocol import Ask

ABORT = "abort"
"""Finish reason of an answer that the server gave up."""
ERROR = "error"
"""Finish reason of an answer that failed."""


class Output(Protocol):
    """Where the tokens go as they come."""

    def write(self, choice: "Choice", begin: int, end: int) -> None:
        """Tokens ``begin`` up to ``end`` of a choice are there; when it has ended its ``finish_reason`` is set."""


class Choice:
    """One answer to one prompt."""

    __slots__ = ("answer", "cached_tokens", "finish_reason", "generation", "index", "produced", "prompt_tokens", "work")

    def __init__(self, generation: "Generation", index: int, answer: Answer, work: Work) -> None:
        """Nothing of it is produced yet."""
        self.generation = generation
        self.index = index
        self.answer = answer
        self.work = work
        self.prompt_tokens = work.input_tokens
        self.produced = 0
        self.cached_tokens = 0
        self.finish_reason: str | None = None

    @property
    def stop_reason(self) -> str | None:
        """The stop string that ended it."""
        return self.answer.stop_reason if self.finish_reason == "stop" else None

    def on_first_token(self, times: Times) -> None:
        """The prompt is computed."""
        self.cached_tokens = times.cached_tokens
        self.generation.first_token(times)

    def on_tokens(self, produced: int) -> None:
        """More tokens are there."""
        begin, self.produced = self.produced, produced
        self.generation.tokens(self, begin)

    def on_end(self, produced: int, times: Times) -> None:
        """It is whole, or as long as the context allows."""
        begin, self.produced = self.produced, produced
        reason = self.answer.finish_reason if produced == self.answer.tokens else "length"
        self.generation.ended(self, begin, times, reason)

    def on_abort(self, times: Times) -> None:
        """The engine has dropped it."""
        self.generation.dropped(self, times)


class Generation:
    """All answers to one request."""

    def __init__(
        self, driver: Driver, metrics: RequestMetrics, ask: Ask, answers: Sequence[Answer], work: Sequence[Work]
    ) -> None:
        """``answers`` and ``work`` are one for each choice, prompt by prompt."""
        self.choices = [Choice(self, index, *each) for index, each in enumerate(zip(answers, work, strict=True))]
        self.error: ApiError | None = None
        """Why it failed, where it did."""
        self.done = asyncio.Event()
        """Set when nothing more will come."""
        self.fail_at: int | None = None
        """Tokens of a choice after which the request fails, where that was asked for."""
        self.at_first_token: Callable[[], None] | None = None
        """What else the first token of all sets off."""
        self._driver = driver
        self._metrics = metrics
        self._ask = ask
        self._sequences: list[EngineSequence] = []
        self._output: Output | None = None
        self._left = False
        """Whether the client has gone."""
        self._open = len(self.choices)

    def begin(self, output: Output | None) -> None:
        """Hand it to the engine; without an output nobody is told before all is done."""
        self._output = output
        self._sequences = self._driver.submit([choice.work for choice in self.choices], self.choices)

    @property
    def prefilling_tokens(self) -> int:
        """Prompt tokens of its sequences that have no first token yet."""
        return sum(c.prompt_tokens for c in self.choices if c.produced == 0 and c.finish_reason is None)

    @property
    def cached_tokens(self) -> int:
        """Tokens of its prompts that came from the prefix cache."""
        return sum(choice.cached_tokens for choice in self.choices[:: self._ask.n])

    @property
    def prompt_tokens(self) -> int:
        """Tokens of its prompts."""
        return sum(len(prompt) for prompt in self._ask.prompts)

    @property
    def produced(self) -> int:
        """Tokens of all its answers so far."""
        return sum(choice.produced for choice in self.choices)

    def fail(self, error: ApiError) -> None:
        """End it with an error."""
        if not self.done.is_set():
            self.error = error
            self.abort(ERROR)

    def abort(self, reason: str = ABORT) -> None:
        """Drop what is still under way; each such choice ends for that reason."""
        # Without sequences it has not begun: its client left before.
        for choice, sequence in zip(self.choices, self._sequences, strict=bool(self._sequences)):
            if choice.finish_reason is None:
                choice.finish_reason = reason
                self._driver.abort(sequence)

    def leave(self) -> None:
        """The client has gone: tell nobody, and drop what is still under way."""
        self._output = None
        self._left = True
        self.abort()

    def first_token(self, times: Times) -> None:
        """A choice has its first token."""
        self._metrics.first_token(times)
        if self.at_first_token is not None:
            self.at_first_token()
            self.at_first_token = None

    def tokens(self, choice: Choice, begin: int) -> None:
        """A choice has more tokens than ``begin``."""
        if self._fails(choice, begin):
            return
        if self._output is not None:
            self._output.write(choice, begin, choice.produced)

    def ended(self, choice: Choice, begin: int, times: Times, reason: str) -> None:
        """A choice has come to its end, for that reason."""
        if self._fails(choice, begin):
            # The engine has let go of it already, so nobody else says that it was dropped.
            self.dropped(choice, times)
            return
        choice.finish_reason = reason
        self._count(choice, reason, times)
        if self._output is not None:
            self._output.write(choice, begin, choice.produced)
        self._close()

    def dropped(self, choice: Choice, times: Times) -> None:
        """A choice has been aborted."""
        # vLLM forgets a request the moment its client leaves, and what the engine says of it later is passed over.
        if not self._left:
            self._count(choice, choice.finish_reason or ABORT, times)
        if self._output is not None and self.error is None:
            self._output.write(choice, choice.produced, choice.produced)
        self._close()

    def _count(self, choice: Choice, reason: str, times: Times) -> None:
        max_tokens = self._ask.sampling[choice.index // self._ask.n].max_tokens
        self._metrics.finished(reason, choice.prompt_tokens, choice.produced, max_tokens, times)

    def _fails(self, choice: Choice, begin: int) -> bool:
        if self.fail_at is None or choice.produced <= min(self.fail_at, choice.answer.tokens - 1):
            return False
        last = min(self.fail_at, choice.answer.tokens - 1)
        if self._output is not None and last > begin:
            self._output.write(choice, begin, last)
        self.fail(engine_failed())
        return True

    def _close(self) -> None:
        self._open -= 1
        if self._open == 0:
            if not self._left:
                self._metrics.answered(self._ask.n, [choice.produced for choice in self.choices])
            self.done.set()

"""The made-up Prometheus in a process of its own, so that what it takes counts for nothing here."""

from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from bench.kubernetes_cycle.answers import Answers
from bench.kubernetes_cycle.layout import Layout


class Source:
    """Answers queries from another process; use it as a context manager."""

    def __init__(self, layout: Layout) -> None:
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._other = other
        self._process = context.Process(target=_serve, args=(layout, other), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        # With no other end here, the pipe is closed where that process fails.
        self._other.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.send(None)
        self._process.join()

    def ask(self, queries: Sequence[str], at: float) -> list[bytes]:
        """The answers, in that order, once the other process does nothing any more."""
        self._pipe.send((queries, at))
        return [self._pipe.recv_bytes() for _ in queries]


def _serve(layout: Layout, pipe: "Connection[Any, Any]") -> None:
    answers = Answers(layout)
    while (asked := pipe.recv()) is not None:
        queries, at = asked
        for query in queries:
            pipe.send_bytes(answers.answer(query, at))

"""Reads the series in a Prometheus server's answers without making objects of their labels.

An answer for a large fleet has tens of thousands of series with a dozen labels each, and the labels of a series are the
same text every time. So that text is what a series is known by, and it is read only where it was not seen before. JSON
escapes quotation marks within texts, so what is searched for here, which has some, cannot be inside one.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import orjson
from numpy.typing import NDArray

from wva.prometheus.answer import HEADS, SERIES, compact, unreadable

_LABELS_END = b'},"value'
_BEFORE_TIME, _AFTER_TIME = b"],[", b","
"""What a time stands between, but for the first one of a series."""
_AROUND_TIME = b"s:[],"
"""What else may stand there."""
_AT_ONCE = 2**18
"""Bytes of an answer that are split in one go: what a processor's own cache holds."""
_UNMARKED = b"?"
"""Is in no sample."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far the series that belong to one thing have been read."""

    newest: bytes = b""
    """Time of the newest sample that was read, as it is written, with what it stands between."""
    time: float = 0.0
    """The same in seconds."""
    mark: bytes = _UNMARKED
    """What is searched for among samples to pass over those up to it."""

    def pass_over(self) -> None:
        """Read only what is newer from now on."""
        self.mark = self.newest[2:]


P = TypeVar("P", bound=Progress)
T = TypeVar("T")
Floats = NDArray[np.float64]


class Samples(NamedTuple, Generic[P]):
    """Samples of an answer, in its order."""

    names: list[tuple[str, int]]
    """What the next ones are samples of, and how many of them."""
    of: list[P]
    """What the series belongs to."""
    times: Floats
    values: Floats


@dataclass(slots=True)
class _Known(Generic[P]):
    """A series that was seen."""

    text: bytes
    """What follows the name, from the quotation mark up to what ends the labels."""
    size: int
    of: P | None
    following: "_Known[P] | None" = field(default=None, repr=False)
    """The series that came after it the last time: answers are in the same order every time."""


class _StrangeError(ValueError):
    """An answer is written in another way than Prometheus does."""


class SeriesReader(Generic[P]):
    """Reads answers about series that each belong to something."""

    def __init__(self, owner: Callable[[dict[str, str]], P | None]) -> None:
        """``owner`` says by its labels what a series belongs to: ``None`` passes it over."""
        self._owner = owner
        self._known: dict[bytes, _Known[P]] = {}
        self._start: _Known[P] = _Known(_UNMARKED, 1, None)

    def read(self, body: bytes) -> Samples[P]:
        """The samples that no mark passes over. Raises ``RefusedError`` where the answer cannot be read."""
        return _however_written(self._samples, body)

    def present(self, body: bytes) -> list[P]:
        """What the series of an answer belong to, whatever they say. Raises ``RefusedError`` as ``read`` does."""
        return _however_written(self._owners, body)

    def forget(self, gone: Callable[[P], bool]) -> None:
        """Let go of the series of what is gone, and of those that belong to nothing."""
        self._known = {text: one for text, one in self._known.items() if one.of is not None and not gone(one.of)}
        # What it would be followed by may be gone.
        self._start = _Known(_UNMARKED, 1, None)
        for one in self._known.values():
            one.following = None

    def _samples(self, body: bytes) -> Samples[P]:
        """Raises ``ValueError`` where the answer is not written as Prometheus does, or a number is none.

        It is what takes most of a decision's time in a large fleet, so it is written out.
        """
        runs: list[tuple[str, int]] = []
        owners: list[P] = []
        times: list[float] = []
        values: list[bytes] = []
        add_owner, add_time, add_value = owners.append, times.append, values.append
        quoted, begin, before = _UNMARKED, 0, self._start
        for part in chain.from_iterable(_parts(body)):
            if not part.startswith(quoted):
                quoted = part[: part.index(b'"') + 1]
                begin = len(quoted)
                runs.append((quoted[:-1].decode(), len(values)))
            series = before.following
            if series is None or not part.startswith(series.text, begin):
                series = before.following = self._look_up(part, begin)
            before, owner = series, series.of
            if owner is None:
                continue
            fields, at = part.rsplit(b'"', 4), begin + series.size
            if fields[0].endswith(owner.mark) and fields[2] == owner.newest and part.find(b"{", at) < 0:
                # One sample is new, and another series of the same has told its time: nearly always it is so.
                add_owner(owner)
                add_time(owner.time)
                add_value(fields[3])
                continue
            every, marked, newer = part[at:].partition(owner.mark)
            fields = (newer if marked else every).split(b'"')
            # Times and values by turns, after the value of the sample that is marked.
            for time, value in zip(*(iter(fields[2 if marked else 1 :]),) * 2, strict=False):
                if time != owner.newest:
                    number = time.strip(_AROUND_TIME)
                    # Where it is none, another series follows, with something in front of its name.
                    owner.time = float(number)
                    owner.newest = _BEFORE_TIME + number + _AFTER_TIME
                add_owner(owner)
                add_time(owner.time)
                add_value(value)
        return Samples(_names(runs, len(values)), owners, np.fromiter(times, np.float64, len(times)), _numbers(values))

    def _owners(self, body: bytes) -> list[P]:
        """Raises ``ValueError`` where the answer is not written as Prometheus does."""
        found, before = [], self._start
        for part in chain.from_iterable(_parts(body)):
            begin = part.index(b'"') + 1
            series = before.following
            if series is None or not part.startswith(series.text, begin):
                series = before.following = self._look_up(part, begin)
            if part.find(b"{", begin + series.size) >= 0:
                # Another series follows, with something in front of its name.
                raise _StrangeError
            before = series
            if series.of is not None:
                found.append(series.of)
        return found

    def _look_up(self, part: bytes, begin: int) -> _Known[P]:
        """A series that is not the one expected. Raises ``_StrangeError`` where there is none."""
        end = part.find(_LABELS_END, begin) + len(_LABELS_END)
        text = part[begin:end]
        known = self._known.get(text)
        if known is None:
            try:
                labels = json.loads(b"{" + text[1 : -len(_LABELS_END)] + b"}")
            except ValueError as error:
                raise _StrangeError from error
            known = self._known[text] = _Known(text, len(text), self._owner(labels))
        return known


def _however_written(read: Callable[[bytes], T], body: bytes) -> T:
    """What ``read`` finds in an answer, which need not be written as Prometheus does."""
    try:
        return read(body)
    except (ValueError, IndexError):
        # Another way to write it, or no answer: the next reading tells.
        pass
    try:
        return read(compact(body))
    except (ValueError, IndexError) as error:
        raise unreadable(error) from error


def _parts(body: bytes) -> Iterator[list[bytes]]:
    """The series of an answer, some at a time, each from its name on.

    Raises ``_StrangeError`` where they are not told apart so.
    """
    begin = body.find(SERIES)
    end = body.rfind(b"]}]}")
    if not body.startswith(HEADS) or (begin < 0) != (end < 0) or (begin < 0 and b"[]" not in body):
        raise _StrangeError
    while begin >= 0:
        following = body.find(SERIES, begin + _AT_ONCE)
        yield body[begin : end + 2 if following < 0 else following].split(SERIES)[1:]
        begin = following


def _numbers(texts: Sequence[bytes]) -> Floats:
    """Raises ``ValueError`` where one is none."""
    numbers: Sequence[Any] = texts
    # As one list they are read several times as fast as one by one. JSON has no infinity.
    with contextlib.suppress(ValueError):
        numbers = orjson.loads(b"[%b]" % b",".join(texts))
    if len(numbers) != len(texts):
        raise ValueError("a number has a comma")
    return np.fromiter(map(float, numbers), np.float64, len(texts))


def _names(begins: list[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    """How many samples there are of each name, of where they begin."""
    ends = [*(begin for _, begin in begins[1:]), count]
    return [(name, end - begin) for (name, begin), end in zip(begins, ends, strict=False)]

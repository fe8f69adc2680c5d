"""Reads a Prometheus server's answers without making objects of their labels.

An answer for a large fleet has tens of thousands of series with a dozen labels each, and the labels of a series are the
same text every time. So that text is taken as the name of the series, and read only where it was not seen before. JSON
escapes quotation marks within texts, so what is split at here, which has some, cannot be inside one.
"""

import json
from collections.abc import Iterator
from typing import Any

_SERIES = b'{"metric":{"__name__":"'
_LABELS_END = b'},"value'
_SAMPLES_END = b"]}"
_HEADS = tuple(
    f'{{"status":"success","data":{{"resultType":"{kind}","result":['.encode() for kind in ("matrix", "vector")
)
"""How answers begin that need no other reading: what Prometheus and those that share its code send."""

Texts = tuple[bytes, bytes, bytes]


class RefusedError(Exception):
    """The server gave no usable answer. The text says why."""


def series(body: bytes) -> Iterator[Texts]:
    """Of each series: its name, the labels beside the name as JSON without braces, and its samples for ``samples``.

    Raises ``RefusedError`` where the answer is no list of series.
    """
    found = _split(body)
    yield from _split(_compact(body)) or () if found is None else found


def samples(text: bytes, after: bytes | None = None) -> list[bytes]:
    """The samples in the third of a series' texts, for ``sample``; only those after the one that ``after`` marks."""
    begin = -1 if after is None else text.find(after)
    if begin >= 0:
        return text[begin:].split(b"],[")[1:]
    return text[text.index(b"[") :].lstrip(b"[").split(b"],[")


def sample(text: bytes) -> tuple[float, float]:
    """Time and value of a sample. Raises ``ValueError`` where it is none."""
    time, _, value = text.partition(b',"')
    return float(time), float(value.rstrip(b'"]'))


def mark(text: bytes) -> bytes:
    """What tells a sample from later ones of its series."""
    return b"[" + text.partition(b",")[0] + b","


def labels_of(text: bytes) -> dict[str, str]:
    """The labels in the second of a series' texts. Raises ``RefusedError`` where they are none."""
    try:
        found: dict[str, str] = json.loads(b"{" + text + b"}")
    except ValueError as error:
        raise unreadable(error) from error
    return found


def result(body: bytes) -> Any:
    """The result in an answer, whatever it is. Raises ``RefusedError`` where there is none."""
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise unreadable(error) from error
    if not isinstance(answer, dict) or answer.get("status") != "success":
        raise RefusedError(f"it answers: {refusal(body)}")
    try:
        return answer["data"]["result"]
    except (KeyError, TypeError) as error:
        raise RefusedError("it answers without a result") from error


def refusal(body: bytes) -> str:
    """Why a server refuses, in its words."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "something that is no JSON"
    return str(answer.get("error")) if isinstance(answer, dict) else str(answer)


def unreadable(error: Exception) -> RefusedError:
    """What to raise for an answer that is not what it should be."""
    return RefusedError(f"its answer cannot be read: {error!r}")


def _split(body: bytes) -> list[Texts] | None:
    """The texts of a compact answer; ``None`` where it is written in another way."""
    head, *parts = body.split(_SERIES)
    if not head.startswith(_HEADS):
        return None
    if not parts:
        return [] if head.rpartition(b"[")[2].startswith(b"]") else None
    found = []
    for part in parts:
        name, labels = part.find(b'"'), part.find(_LABELS_END)
        end = part.find(_SAMPLES_END, labels)
        # Between series there is a comma and nothing else; after the last one the list ends.
        if labels < 0 or end < 0 or part[end + 2 : end + 3] not in b",]":
            return None
        found.append((part[:name], part[name + 2 : labels], part[labels + len(_LABELS_END) : end]))
    return found


def _compact(body: bytes) -> bytes:
    """The same answer as Prometheus writes it."""
    try:
        texts = [_written(one) for one in result(body)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(error) from error
    return _HEADS[0] + b",".join(texts) + b"]}}"


def _written(one: Any) -> bytes:
    labels = {"__name__": one["metric"]["__name__"], **one["metric"]}
    metric = json.dumps(labels, separators=(",", ":"), ensure_ascii=False)
    values = [[float(time), str(float(value))] for time, value in one.get("values") or [one["value"]]]
    return f'{{"metric":{metric},"values":{json.dumps(values, separators=(",", ":"))}}}'.encode()

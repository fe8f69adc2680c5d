"""Answers of a Prometheus server: what is in them, and what to say where nothing is."""

import json
from typing import Any

HEADS = tuple(
    f'{{"status":"success","data":{{"resultType":"{kind}","result":['.encode() for kind in ("matrix", "vector")
)
"""How answers begin that Prometheus and those that share its code send, up to the first series."""
SERIES = b'{"metric":{"__name__":"'
"""How a series begins there, up to its name."""


class RefusedError(Exception):
    """The server gave no usable answer. The text says why."""


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


def compact(body: bytes) -> bytes:
    """A list of series as Prometheus writes it, however it is written. Raises ``RefusedError`` where it is none."""
    try:
        texts = [_written(one) for one in result(body)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(error) from error
    return HEADS[0] + b",".join(texts) + b"]}}"


def _written(one: Any) -> bytes:
    labels = {"__name__": one["metric"]["__name__"], **one["metric"]}
    metric = json.dumps(labels, separators=(",", ":"), ensure_ascii=False)
    values = [[float(time), str(float(value))] for time, value in one.get("values") or [one["value"]]]
    return f'{{"metric":{metric},"values":{json.dumps(values, separators=(",", ":"))}}}'.encode()

"""A watch's answer: one JSON object a line, each something that happened."""

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wva.kubernetes.api.errors import ApiError


class Happened(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    """Nothing: everything up to the version in it has been told."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    happened: Happened
    version: str
    """From which a watch can go on."""
    body: dict[str, Any]
    """The object as it is then, or was last where it is deleted; of a bookmark its version alone."""


def event(about: str, line: bytes) -> Event:
    """A line of the answer to what ``about`` asks.

    Raises ``ApiError`` where it says that the watch cannot go on, or says nothing that is understood.
    """
    try:
        found = json.loads(line)
        kind, body = found["type"], found["object"]
        if kind != "ERROR":
            return Event(Happened(kind), body["metadata"]["resourceVersion"], body)
        code, message, reason = body.get("code"), str(body.get("message")), body.get("reason") or ""
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ApiError(f"{about}: not the answer of an API server: {line[:200]!r}", None) from error
    raise ApiError(f"{about}: {code} {' '.join(message.split())}", code, reason)


async def lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Lines of any length, as soon as they are complete; what no end of line follows is none."""
    parts: list[bytes] = []
    async for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            parts.append(line)
            whole = b"".join(parts)
            parts.clear()
            if whole:
                yield whole
        parts.append(rest)

"""A watch's answer, line by line."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.events import Happened, event, lines


@given(st.lists(st.binary(max_size=8)), st.data())
async def test_lines_are_whole_however_they_come(texts: list[bytes], data: st.DataObject) -> None:
    ended = [text.replace(b"\n", b"") for text in texts]
    stream = b"".join(line + b"\n" for line in ended) + b"cut off"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            yield stream[start:end]

    assert [line async for line in lines(chunks())] == [line for line in ended if line]


def test_an_event_names_the_version_to_go_on_from() -> None:
    found = event("WATCH x", b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}')
    assert (found.happened, found.version) == (Happened.BOOKMARK, "7")


def test_what_the_api_server_cannot_go_on_with_is_a_refusal() -> None:
    text = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}'
    with pytest.raises(ApiError, match="WATCH x: 410 too old") as refused:
        event("WATCH x", text)
    assert refused.value.expired


@pytest.mark.parametrize("line", [b"<html>", b"[]", b'{"type":"ADDED","object":{}}', b'{"type":"ODD","object":{}}'])
def test_what_is_no_event_is_said_in_one_line(line: bytes) -> None:
    with pytest.raises(ApiError, match="not the answer of an API server") as refused:
        event("WATCH x", line)
    assert refused.value.code is None

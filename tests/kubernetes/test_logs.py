"""Logs as JSON: one line a record, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from wva.kubernetes.logs import log_as_json
from wva.kubernetes.settings_values import LogLevel


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged; the loggers are as before afterwards."""
    root, own = logging.getLogger(), logging.getLogger("wva")
    before = root.handlers, root.level, own.level
    yield io.StringIO()
    root.handlers = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


def test_a_record_is_a_line_with_its_context(stream: io.StringIO) -> None:
    log_as_json(LogLevel.INFO, stream)
    extra = {"decision": "d-1", "variant": "team/a100", "namespace": "team"}
    logging.getLogger("wva.kubernetes").warning("two\nlines: %s", "“text”", extra=extra)
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {"level": "warning", "logger": "wva.kubernetes", "message": "two\nlines: “text”", **extra}


def test_a_traceback_is_in_its_line(stream: io.StringIO) -> None:
    log_as_json(LogLevel.INFO, stream)
    try:
        raise RuntimeError("it broke")
    except RuntimeError:
        logging.getLogger("wva").exception("a turn failed")
    (line,) = stream.getvalue().splitlines()
    assert "RuntimeError: it broke" in json.loads(line)["error"]


@pytest.mark.parametrize(
    ("level", "said"),
    [
        (LogLevel.DEBUG, ["own debug", "own info", "other info"]),
        (LogLevel.INFO, ["own info", "other info"]),
        (LogLevel.ERROR, []),
    ],
)
def test_levels(stream: io.StringIO, level: LogLevel, said: list[str]) -> None:
    log_as_json(level, stream)
    for name, words in (("wva", "own"), ("aiohttp", "other")):
        logging.getLogger(name).debug("%s debug", words)
        logging.getLogger(name).info("%s info", words)
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == said

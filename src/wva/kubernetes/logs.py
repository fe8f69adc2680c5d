"""Logs as lines of JSON, for machines that collect them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from wva.kubernetes.settings_values import LogLevel

CONTEXT = ("decision", "model", "namespace", "variant")
"""What a record is about, where it says so with ``extra``: a key each in its line."""


class JsonFormatter(logging.Formatter):
    """A record as one line: time, level, logger, message, what it is about, and an error with its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in CONTEXT if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_as_json(level: LogLevel, stream: TextIO | None = None) -> None:
    """Write all logs of the process as JSON, to standard error unless given, from this level on.

    Libraries are quieter by a level where that is for debugging: they would drown what is the controller's own.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(wanted, logging.INFO))
    logging.getLogger("wva").setLevel(wanted)

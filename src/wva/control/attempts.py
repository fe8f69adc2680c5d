"""Work that may fail or hang: its result, or a problem of the part that it was asked of."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from wva.control.limits import within
from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.record.problems import Problems

T = TypeVar("T")

_log = logging.getLogger("wva")


class Attempts:
    """Has work done within limits of time on a clock."""

    def __init__(self, clock: Clock, problems: Problems) -> None:
        """Report to ``problems``."""
        self._clock = clock
        self.problems = problems

    async def result(
        self,
        part: str,
        work: Coroutine[Any, Any, T],
        limit_s: float,
        *,
        about: str = "",
        hurry: asyncio.Event | None = None,
        hurried_s: float = 0.0,
    ) -> T | None:
        """What the work gives; ``None`` where it fails or takes longer than it may (see ``within``).

        That is a problem of ``part`` until it works again; ``about`` stands in front of what is reported.
        """
        try:
            result = await within(self._clock, limit_s, work, hurry, hurried_s)
        except (TimeoutError, UserError) as error:
            self.problems.report(part, f"{about}{error or 'it timed out'}")
        except Exception as error:
            _log.debug("%s failed", part, exc_info=True)
            self.problems.report(part, f"{about}{type(error).__name__}: {error}")
        else:
            self.problems.solved(part)
            return result
        return None

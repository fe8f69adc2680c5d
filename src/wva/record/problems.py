"""What is wrong now with the parts of a running program: logged once per change, counted, and shown to people."""

import logging
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

_log = logging.getLogger("wva")


class Problems:
    """The newest problem of each part, in one line; a part without one is well."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        """How often parts had a problem, repeated ones included, by the first word of the part's name."""

    @property
    def now(self) -> Mapping[str, str]:
        """What is wrong, by part."""
        return MappingProxyType(self._now)

    def report(self, part: str, problem: str) -> None:
        """Note that something went wrong with a part; it is logged where it is another problem than before."""
        self.counts[part.partition(" ")[0]] += 1
        line = " ".join(problem.split())
        if self._now.get(part) != line:
            self._now[part] = line
            _log.warning("%s: %s", part, line)

    def solved(self, part: str) -> None:
        """Note that a part works; it is logged where it did not before."""
        if self._now.pop(part, None) is not None:
            _log.info("%s: works again", part)

    def settle(self, part: str, problem: str | None) -> None:
        """Report the problem, or note that there is none."""
        if problem is None:
            self.solved(part)
        else:
            self.report(part, problem)

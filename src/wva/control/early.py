"""Requests for a turn before its time: the most urgent one counts, and turns keep a distance."""

import asyncio

from wva.fleet.observation import Trigger

_URGENCY = (Trigger.ARRIVAL_AT_ZERO, Trigger.BURST, Trigger.MANUAL)
MOST_CAUSES = 4
"""How many different causes are kept for people to read."""


class EarlyRequests:
    """What asks for an early turn until one is taken."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()
        """Set while there is a request."""
        self._causes: dict[Trigger, dict[str, None]] = {}

    def add(self, trigger: Trigger, cause: str) -> None:
        """Ask for an early turn. Raises ``ValueError`` for the interval, which asks by itself."""
        if trigger not in _URGENCY:
            raise ValueError(f"{trigger.value} is not a cause for an early turn")
        causes = self._causes.setdefault(trigger, {})
        if len(causes) < MOST_CAUSES:
            causes[cause] = None
        self.waiting.set()

    def take(self) -> tuple[Trigger, str | None]:
        """What causes the turn that begins now, and in which words: the interval where nobody asked for it."""
        self.waiting.clear()
        causes, self._causes = self._causes, {}
        for trigger in _URGENCY:
            if trigger in causes:
                return trigger, "; ".join(causes[trigger])
        return Trigger.INTERVAL, None

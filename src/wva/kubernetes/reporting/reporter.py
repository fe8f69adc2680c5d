"""Tells what a turn has changed: in the objects' status, in WVA's own ConfigMaps, and by events."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva.fleet.clock import Clock
from wva.fleet.tick import Tick
from wva.kubernetes.api.resource import (
    CONFIG_MAPS,
    HORIZONTAL_POD_AUTOSCALERS,
    SCALED_OBJECTS,
    VARIANT_AUTOSCALINGS,
)
from wva.kubernetes.conditions import Aspect
from wva.kubernetes.configuration.settings import ConfigMaps
from wva.kubernetes.declaration import Source
from wva.kubernetes.discovery import Discovered
from wva.kubernetes.picture import Picture, Remembered
from wva.kubernetes.reporting.doubts import settled
from wva.kubernetes.reporting.events import Said, complaint_event, events_of, said_after, said_in
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.reporting.memory import Declared, Kept, lasting
from wva.kubernetes.reporting.poster import EventPoster, Regarding
from wva.kubernetes.reporting.report import Acting, decided, undecidable
from wva.kubernetes.reporting.turn import Turn, turn_of
from wva.kubernetes.reporting.writer import StatusWriter
from wva.kubernetes.status import Report, status_body

_API_VERSIONS = {
    Source.VARIANT_AUTOSCALING: VARIANT_AUTOSCALINGS.api_version,
    Source.SCALED_OBJECT: SCALED_OBJECTS.api_version,
    Source.HPA: HORIZONTAL_POD_AUTOSCALERS.api_version,
}


_BETWEEN_BREATHS = 50
"""Variants that are told of before others get their turn of the event loop: some milliseconds."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last turn has left, by the object that declares."""

    said: Mapping[Declared, Said]
    doubts: Mapping[Declared, Mapping[Aspect, float]]
    in_ledger: Mapping[Declared, Mapping[str, Any]]
    """What is said of objects without a status of ours, as a status."""


class Reporter:
    """Speaks for the leader, from the moment that it leads: make a new one each time, and have it and its writers run.

    Of turns that come faster than they can be told, the newest is.
    """

    def __init__(self, statuses: StatusWriter, ledger: Ledger, events: EventPoster, clock: Clock, left: Kept) -> None:
        """``left`` is what the predecessor has left in the ledger."""
        self._statuses, self._ledger, self._events, self._clock = statuses, ledger, events, clock
        self._told = _Told({}, {}, left.said)
        self._complained: dict[tuple[str, str], str] = {}
        self._next: _Next | None = None
        self._news = asyncio.Event()

    def turned(self, tick: Tick, picture: Picture, acting: Mapping[str, Acting], remembered: Remembered) -> None:
        """Have a turn told; ``acting`` is what those who act know, by variant."""
        self._next = _Next(tick, picture, acting, remembered)
        self._news.set()

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.tell()

    async def tell(self) -> None:
        """Tell the newest turn, unless it was told."""
        following, self._next = self._next, None
        if following is None:
            return
        now, before, turn = self._clock.utc(), self._told, turn_of(following.tick)
        statuses: dict[tuple[str, str], Report] = {}
        said: dict[Declared, Said] = {}
        doubts: dict[Declared, Mapping[Aspect, float]] = {}
        in_ledger: dict[Declared, Mapping[str, Any]] = {}
        for place, each in enumerate(following.picture.found, start=1):
            if place % _BETWEEN_BREATHS == 0:
                await asyncio.sleep(0)
            key: Declared = (each.source.value, *each.meta.key)
            report, lasting_doubts = following.report(each, turn, before.doubts.get(key, {}), now)
            if lasting_doubts:
                doubts[key] = lasting_doubts
            if each.source is Source.VARIANT_AUTOSCALING:
                statuses[each.meta.key] = report
                status = self._statuses.said_of(each.meta.key)
            else:
                status = before.in_ledger.get(key, {})
                in_ledger[key] = status_body(status, report, now) or status
            known = before.said.get(key) or said_in(status)
            self._events.post(Regarding(_API_VERSIONS[each.source], key[0], each.meta), events_of(known, report))
            said[key] = said_after(known, report)
        self._told = _Told(said, doubts, in_ledger)
        self._statuses.say(statuses)
        self._ledger.keep(Kept(lasting(following.remembered), in_ledger))

    def configured(self, maps: ConfigMaps) -> None:
        """Tell of the ConfigMaps whose newest content is refused, or not understood in part."""
        complained = {}
        for key, each in maps.items():
            about = Regarding(CONFIG_MAPS.api_version, "ConfigMap", each.meta)
            complaint = each.complaint
            self._events.post(about, complaint_event(self._complained.get(key), complaint))
            if complaint is not None:
                complained[key] = complaint
        self._complained = complained


@dataclass(frozen=True, slots=True)
class _Next:
    """A turn that is still to be told."""

    tick: Tick
    picture: Picture
    acting: Mapping[str, Acting]
    remembered: Remembered

    def report(
        self, each: Discovered, turn: Turn, doubts: Mapping[Aspect, float], now: float
    ) -> tuple[Report, Mapping[Aspect, float]]:
        """What there is to say of a variant, and since when its bad news lasts."""
        if each.variant is None:
            return undecidable(each), {}
        name = each.variant.name
        acting = self.acting.get(name, Acting())
        return settled(decided(self.picture.managed[name], turn, acting, self.remembered.shortages), doubts, now)

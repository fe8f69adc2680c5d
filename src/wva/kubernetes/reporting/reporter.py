"""Tells what a turn has changed: in the objects' status, in WVA's own ConfigMaps, and by events."""

from collections.abc import Mapping
from typing import Any

from wva.fleet.clock import Clock
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
from wva.kubernetes.reporting.events import Said, events_of, refusal_event, said_after, said_in
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.reporting.memory import Declared, Kept, lasting
from wva.kubernetes.reporting.poster import EventPoster, Regarding
from wva.kubernetes.reporting.report import Acting, decided, undecidable
from wva.kubernetes.reporting.turn import Turn
from wva.kubernetes.reporting.writer import StatusWriter
from wva.kubernetes.status import Report, status_body

_API_VERSIONS = {
    Source.VARIANT_AUTOSCALING: VARIANT_AUTOSCALINGS.api_version,
    Source.SCALED_OBJECT: SCALED_OBJECTS.api_version,
    Source.HPA: HORIZONTAL_POD_AUTOSCALERS.api_version,
}


class Reporter:
    """Speaks for the leader, from the moment that it leads: make a new one each time.

    It only hands over: the writers, which have to run, send what there is to send.
    """

    def __init__(self, statuses: StatusWriter, ledger: Ledger, events: EventPoster, clock: Clock, left: Kept) -> None:
        """``left`` is what the predecessor has left in the ledger."""
        self._statuses, self._ledger, self._events, self._clock = statuses, ledger, events, clock
        self._in_ledger: dict[Declared, Mapping[str, Any]] = dict(left.said)
        self._said: dict[Declared, Said] = {}
        self._doubts: dict[Declared, dict[Aspect, float]] = {}
        self._refused: dict[tuple[str, str], str] = {}

    def turned(self, turn: Turn, picture: Picture, acting: Mapping[str, Acting], remembered: Remembered) -> None:
        """Tell what there is to tell after a turn; ``acting`` is what those who act know, by variant."""
        now = self._clock.utc()
        reports: dict[Declared, Report] = {}
        doubts: dict[Declared, dict[Aspect, float]] = {}
        for each in picture.found:
            key = _declared(each)
            if each.variant is None:
                reports[key] = undecidable(each)
            else:
                name = each.variant.name
                report = decided(picture.managed[name], turn, acting.get(name, Acting()), remembered.shortages)
                reports[key], doubts[key] = settled(report, self._doubts.get(key, {}), now)
        self._doubts = doubts
        self._post(picture, reports)
        own = Source.VARIANT_AUTOSCALING.value
        self._statuses.say({key[1:]: report for key, report in reports.items() if key[0] == own})
        self._in_ledger = {
            key: status_body(self._in_ledger.get(key, {}), report, now) or self._in_ledger.get(key, {})
            for key, report in reports.items()
            if key[0] != own
        }
        self._ledger.keep(Kept(lasting(remembered, now), self._in_ledger))

    def configured(self, maps: ConfigMaps) -> None:
        """Tell of the ConfigMaps whose newest content is refused."""
        refused = {}
        for key, each in maps.items():
            about = Regarding(CONFIG_MAPS.api_version, "ConfigMap", each.meta)
            self._events.post(about, refusal_event(self._refused.get(key), each.refusal))
            if each.refusal is not None:
                refused[key] = each.refusal
        self._refused = refused

    def _post(self, picture: Picture, reports: Mapping[Declared, Report]) -> None:
        said = {}
        for each in picture.found:
            key = _declared(each)
            before = self._said.get(key)
            if before is None:
                before = said_in(self._status(each))
            about = Regarding(_API_VERSIONS[each.source], each.source.value, each.meta)
            self._events.post(about, events_of(before, reports[key]))
            said[key] = said_after(before, reports[key])
        self._said = said

    def _status(self, each: Discovered) -> Mapping[str, Any]:
        """What was said of a variant before this process spoke."""
        if each.source is Source.VARIANT_AUTOSCALING:
            return self._statuses.said_of(each.meta.key)
        return self._in_ledger.get(_declared(each), {})


def _declared(each: Discovered) -> Declared:
    return each.source.value, *each.meta.key

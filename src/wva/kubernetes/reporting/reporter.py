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
from wva.kubernetes.declaration import Source
from wva.kubernetes.discovery import Discovered
from wva.kubernetes.follower import Outlook
from wva.kubernetes.objects.meta import Meta
from wva.kubernetes.picture import Picture, Remembered
from wva.kubernetes.reporting.doubts import settled
from wva.kubernetes.reporting.events import Said, events_of, refusal_event, said_after, said_in
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.reporting.memory import Declared, Kept, lasting
from wva.kubernetes.reporting.poster import EventPoster, Regarding
from wva.kubernetes.reporting.report import decided, undecidable
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

    def turned(self, turn: Turn, picture: Picture, outlooks: Mapping[str, Outlook], remembered: Remembered) -> None:
        """Tell what there is to tell after a turn; ``outlooks`` are those of followers, by variant."""
        now = self._clock.utc()
        reports = {
            _declared(each): (each, self._report(each, turn, picture, outlooks, remembered, now))
            for each in picture.found
        }
        self._post(reports)
        own = {key: (each, told) for key, (each, told) in reports.items() if each.source is Source.VARIANT_AUTOSCALING}
        self._statuses.say({each.meta.key: told for each, told in own.values()})
        self._in_ledger = {
            key: status_body(self._in_ledger.get(key, {}), told, now) or self._in_ledger.get(key, {})
            for key, (_, told) in reports.items()
            if key not in own
        }
        self._ledger.keep(Kept(lasting(remembered, now), self._in_ledger))

    def configured(self, refusals: Mapping[tuple[str, str], tuple[Meta, str]]) -> None:
        """Tell of the ConfigMaps, by namespace and name, whose content is refused, and why."""
        for key, (meta, refusal) in refusals.items():
            about = Regarding(CONFIG_MAPS.api_version, "ConfigMap", meta)
            self._events.post(about, refusal_event(self._refused.get(key), refusal))
        self._refused = {key: refusal for key, (_, refusal) in refusals.items()}

    def _report(
        self,
        each: Discovered,
        turn: Turn,
        picture: Picture,
        outlooks: Mapping[str, Outlook],
        remembered: Remembered,
        now: float,
    ) -> Report:
        if each.variant is None:
            return undecidable(each)
        name, key = each.variant.name, _declared(each)
        report = decided(picture.managed[name], turn, outlooks.get(name), remembered.shortages)
        told, self._doubts[key] = settled(report, self._doubts.get(key, {}), now)
        return told

    def _post(self, reports: Mapping[Declared, tuple[Discovered, Report]]) -> None:
        said = {}
        for key, (each, report) in reports.items():
            before = self._said.get(key)
            if before is None:
                before = said_in(self._status(each))
            self._events.post(Regarding(_API_VERSIONS[each.source], each.source, each.meta), events_of(before, report))
            said[key] = said_after(before, report)
        self._said = said

    def _status(self, each: Discovered) -> Mapping[str, Any]:
        """What was said of a variant before this process spoke."""
        if each.source is Source.VARIANT_AUTOSCALING:
            return self._statuses.said_of(each.meta.key)
        return self._in_ledger.get(_declared(each), {})


def _declared(each: Discovered) -> Declared:
    return each.source.value, *each.meta.key

"""Which series belong together: those that one scraper has of one server, found by the text of their labels."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wva.prometheus.answer import labels_of
from wva.prometheus.labels import Labels

NOBODY = -1
"""Lane of the series of no instance."""

_NO_MARK = b"?"
"""Marks no sample."""


@dataclass(slots=True)
class Lane:
    """One server as one scraper sees it."""

    target: int
    scraped_by: str
    mark: bytes = _NO_MARK
    """The newest sample that needs no looking at any more (``answer.mark``)."""
    newest: bytes = b""
    """The newest sample of the answers at hand, as text."""
    texts: list[bytes] = field(default_factory=list)
    """Labels of its series."""


class Lanes:
    """Servers as targets, numbered from 0, and lanes to them, numbered likewise."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self.by_text: dict[bytes, int] = {}
        """Lane, or ``NOBODY``, by the labels of a series."""
        self.lanes: list[Lane] = []
        self.targets: dict[tuple[str, str], int] = {}
        """By instance, and which of its servers."""
        self.names: list[str] = []
        """The instance of each target."""
        self.of_instance: dict[str, list[int]] = {}
        """The targets of each instance."""
        self.fresh: list[int] = []
        """Targets that are new, until somebody takes note of them."""
        self._by_scraper: dict[tuple[int, str], int] = {}
        self._free_lanes: list[int] = []
        self._free_targets: list[int] = []

    def lane(self, text: bytes) -> int:
        """The lane of a series whose labels were not seen before. Raises ``RefusedError`` where they are none."""
        labels = labels_of(text)
        found = self._labels.engine(labels)
        if found is None:
            self.by_text[text] = NOBODY
            return NOBODY
        target = self.targets.get(found)
        if target is None:
            target = self._new_target(found)
        scraper = self._labels.scraper(labels)
        number = self._by_scraper.get((target, scraper))
        if number is None:
            number = self._new_lane(target, scraper)
        self.by_text[text] = number
        self.lanes[number].texts.append(text)
        return number

    def target_of(self) -> NDArray[np.intp]:
        """The target of each lane."""
        return np.fromiter((lane.target for lane in self.lanes), np.intp, len(self.lanes))

    def ranks(self) -> NDArray[np.intp]:
        """The order of lanes by who scrapes."""
        order = {name: place for place, name in enumerate(sorted({lane.scraped_by for lane in self.lanes}))}
        return np.fromiter((order[lane.scraped_by] for lane in self.lanes), np.intp, len(self.lanes))

    def forget(self, targets: set[int]) -> None:
        """Let go of targets and all their lanes; their numbers are given to others."""
        for number, lane in enumerate(self.lanes):
            if lane.target in targets and self._by_scraper.pop((lane.target, lane.scraped_by), None) is not None:
                for text in lane.texts:
                    del self.by_text[text]
                lane.texts = []
                self._free_lanes.append(number)
        for found, target in list(self.targets.items()):
            if target in targets:
                del self.targets[found]
                self.of_instance[found[0]].remove(target)
                if not self.of_instance[found[0]]:
                    del self.of_instance[found[0]]
                self._free_targets.append(target)
        nobodys = [text for text, number in self.by_text.items() if number == NOBODY]
        for text in nobodys:
            del self.by_text[text]

    def _new_target(self, found: tuple[str, str]) -> int:
        if self._free_targets:
            target = self._free_targets.pop()
            self.names[target] = found[0]
        else:
            target = len(self.names)
            self.names.append(found[0])
        self.targets[found] = target
        self.of_instance.setdefault(found[0], []).append(target)
        self.fresh.append(target)
        return target

    def _new_lane(self, target: int, scraper: str) -> int:
        lane = Lane(target, scraper)
        if self._free_lanes:
            number = self._free_lanes.pop()
            self.lanes[number] = lane
        else:
            number = len(self.lanes)
            self.lanes.append(lane)
        self._by_scraper[target, scraper] = number
        return number

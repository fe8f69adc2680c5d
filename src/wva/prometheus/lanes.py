"""Which series belong together: those that one scraper has of one server, found by the text of their labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wva.prometheus.labels import Labels
from wva.prometheus.series import Progress, SeriesReader


@dataclass(slots=True)
class Lane(Progress):
    """One server as one scraper sees it."""

    number: int
    target: int
    scraped_by: str


class Lanes:
    """Servers as targets, numbered from 0, and lanes to them, numbered likewise."""

    def __init__(self, labels: Labels) -> None:
        self.series = SeriesReader(self._lane)
        """Reads the samples of lanes."""
        self.lanes: list[Lane] = []
        self.targets: dict[tuple[str, str], int] = {}
        """By instance, and which of its servers."""
        self.names: list[str] = []
        """The instance of each target."""
        self.of_instance: dict[str, list[int]] = {}
        """The targets of each instance."""
        self.fresh: list[int] = []
        """Targets that are new, until somebody takes note of them."""
        self._labels = labels
        self._by_scraper: dict[tuple[int, str], Lane] = {}
        self._free_lanes: list[int] = []
        self._free_targets: list[int] = []

    def ranks(self) -> NDArray[np.intp]:
        """The order of lanes by who scrapes."""
        order = {name: place for place, name in enumerate(sorted({lane.scraped_by for lane in self.lanes}))}
        return np.fromiter((order[lane.scraped_by] for lane in self.lanes), np.intp, len(self.lanes))

    def forget(self, targets: set[int]) -> None:
        """Let go of targets and all their lanes; their numbers are given to others."""
        self.series.forget(lambda lane: lane.target in targets)
        for key, lane in list(self._by_scraper.items()):
            if lane.target in targets:
                del self._by_scraper[key]
                self._free_lanes.append(lane.number)
        for found, target in list(self.targets.items()):
            if target in targets:
                del self.targets[found]
                self._free_targets.append(target)
                self.of_instance[found[0]].remove(target)
        self.of_instance = {name: own for name, own in self.of_instance.items() if own}

    def _lane(self, labels: Mapping[str, str]) -> Lane | None:
        """Of the series with these labels."""
        found = self._labels.engine(labels)
        if found is None:
            return None
        target = self.targets.get(found)
        if target is None:
            target = self._new_target(found)
        scraper = self._labels.scraper(labels)
        lane = self._by_scraper.get((target, scraper))
        return self._new_lane(target, scraper) if lane is None else lane

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

    def _new_lane(self, target: int, scraper: str) -> Lane:
        if self._free_lanes:
            lane = Lane(self._free_lanes.pop(), target, scraper)
            self.lanes[lane.number] = lane
        else:
            lane = Lane(len(self.lanes), target, scraper)
            self.lanes.append(lane)
        self._by_scraper[target, scraper] = lane
        return lane

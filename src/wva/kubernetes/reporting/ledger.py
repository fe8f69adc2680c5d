"""WVA's own ConfigMaps: what it says of objects without a status of ours, and what its successor has to know."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import CONFIG_MAPS
from wva.kubernetes.reporting.memory import Kept, decode, encode
from wva.kubernetes.reporting.shards import merged, spread
from wva.kubernetes.scope import Scope
from wva.record.problems import Problems

LEDGER = "state"
"""Name of the ledger among the parts that can have problems."""
PAUSE_S = 10.0
"""Least seconds between two writes."""

_NAME = "wva-state"
_LABELS = {"app.kubernetes.io/managed-by": "wva"}


MOST = 16
"""ConfigMaps that the state may take. Four hold what there is to say of 2,000 variants that annotations declare."""


def ledger_names(instance: str | None) -> tuple[str, ...]:
    """Names of the ConfigMaps, in the order in which they are used. No instance has those of another."""
    first = f"{_NAME}-{instance}" if instance else _NAME
    return (first, *(f"{first}.{place}" for place in range(1, MOST)))


@dataclass(frozen=True, slots=True)
class _Map:
    """A ConfigMap as it was read, or as a write left it."""

    version: str | None
    """``None`` where it is still to be made."""
    data: Mapping[str, str]


class Ledger:
    """Keeps the newest state in ConfigMaps: written when it changes, not too often, and only by the leader."""

    def __init__(
        self,
        api: Api,
        scope: Scope,
        leads: Callable[[], bool],
        clock: Clock,
        problems: Problems,
        pause_s: float = PAUSE_S,
    ) -> None:
        """``leads`` says whether this process may write, at that moment."""
        self._api, self._leads, self._clock, self._problems = api, leads, clock, problems
        self._home, self._names, self._pause_s = scope.home, ledger_names(scope.instance), pause_s
        self._maps: list[_Map] = []
        self._kept: Kept | None = None
        self._stored: Kept | None = None
        self._news = asyncio.Event()

    async def read(self) -> Kept:
        """What a predecessor has left; to be called by whoever begins to lead, before anything is kept.

        Raises ``ApiError`` where it cannot be read.
        """
        self._maps = []
        while len(self._maps) < MOST and (found := await self._read(len(self._maps))) is not None:
            self._maps.append(found)
        kept, notices = decode(merged([each.data for each in self._maps]))
        more = f"; and {len(notices) - 1} more" if len(notices) > 1 else ""
        self._problems.settle(f"{LEDGER} of the predecessor", f"{notices[0]}{more}" if notices else None)
        self._kept, self._stored = None, kept
        return kept

    def keep(self, kept: Kept) -> None:
        """Take the newest state."""
        self._kept = kept
        if kept != self._stored:
            self._news.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.write()
            await self._clock.sleep(self._pause_s)

    async def write(self) -> None:
        """Write what has changed, if anything has. What fails is a problem, and tried again with the next state."""
        kept = self._kept
        if kept is None or kept == self._stored or not self._leads():
            return
        documents = await asyncio.to_thread(encode, kept)
        try:
            stored = await self._store(documents)
        except ApiError as error:
            self._problems.report(LEDGER, str(error))
            return
        if stored:
            self._stored = kept

    async def _store(self, documents: Mapping[str, str]) -> bool:
        """Whether all is stored; where it is not, somebody else was there, and what he left is read."""
        wanted = spread([each.data for each in self._maps], documents)
        lost = sum(map(len, wanted[MOST:]))
        problem = f"{lost} of {len(documents)} documents have no room in {MOST} ConfigMaps, so a successor lacks them"
        wanted = wanted[:MOST]
        there = len(self._maps)
        self._maps += [_Map(None, {}) for _ in wanted[there:]]
        # New ones in the order in which they are looked for; then the later first: what moves from one to another is in
        # both for a moment, and in none never.
        order = [*range(there, len(wanted)), *reversed(range(there))]
        for place in order:
            if not await self._store_one(place, wanted[place]):
                return False
        self._problems.settle(LEDGER, problem if lost else None)
        return True

    async def _store_one(self, place: int, data: Mapping[str, str]) -> bool:
        known = self._maps[place]
        if known.version is not None and known.data == data:
            return True
        if not self._leads():
            return False
        name = self._names[place]
        try:
            if known.version is None:
                body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": _LABELS}}
                answer = await self._api.create(CONFIG_MAPS, self._home, {**body, "data": dict(data)})
            else:
                gone = dict.fromkeys(known.data.keys() - data.keys())
                changed = {key: text for key, text in data.items() if known.data.get(key) != text}
                patch = {"metadata": {"resourceVersion": known.version}, "data": {**changed, **gone}}
                answer = await self._api.patch(CONFIG_MAPS, self._home, name, patch)
        except ApiError as error:
            if not (error.conflict or error.missing):
                raise
            self._maps[place] = await self._read(place) or _Map(None, {})
            return False
        self._maps[place] = _map(answer)
        return True

    async def _read(self, place: int) -> _Map | None:
        try:
            return _map(await self._api.read(CONFIG_MAPS, self._home, self._names[place]))
        except ApiError as error:
            if error.missing:
                return None
            raise


def _map(body: Mapping[str, Any]) -> _Map:
    return _Map(body["metadata"]["resourceVersion"], body.get("data") or {})

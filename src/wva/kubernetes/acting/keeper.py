"""Looks after pods between two decisions: those that drain are stopped as soon as they may be, new ones serve."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.kubernetes.acting.carry_out import Carrier
from wva.kubernetes.acting.load import Load
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import Pod
from wva.record.problems import Problems

_log = logging.getLogger("wva")


class DrainKeeper:
    """Looks every so often, until it is cancelled."""

    def __init__(
        self,
        carrier: Carrier,
        managed: Callable[[], Collection[Managed]],
        strays: Callable[[], Collection[Pod]],
        loads: Callable[[Sequence[Managed]], Awaitable[Mapping[str, Load]]],
        clock: Clock,
        problems: Problems,
        interval_s: float = 1.0,
    ) -> None:
        """Look after nothing yet.

        Args:
            carrier: Writes, and knows what it wrote.
            managed: Gives all variants with their pods and counts as they are at that moment.
            strays: Gives pods of none of them that are kept from serving.
            loads: Asks the pods of some variants for their load; it goes by their ids.
            clock: Tells the time.
            problems: Where it is told what fails.
            interval_s: Seconds between two looks.

        """
        self._carrier = carrier
        self._managed = managed
        self._strays = strays
        self._loads = loads
        self._clock = clock
        self._problems = problems
        self._interval_s = interval_s
        self._draining: dict[str, Pod] = {}
        """Pods that were out of service at the last look, or could not be given back, by their uids."""

    async def run(self) -> None:
        """Look, and look again."""
        while True:
            try:
                await self.look()
            except Exception as error:
                _log.exception("looking after drains failed")
                self._problems.report("drains", f"{type(error).__name__}: {error}")
            await self._clock.sleep(self._interval_s)

    async def look(self) -> None:
        """Go on once with whatever was begun, and give back pods of variants that nobody declares any longer."""
        managed = self._managed()
        marks = {each.variant.name: self._carrier.marks.of(each.pods) for each in managed}
        draining = [each for each in managed if marks[each.variant.name]]
        loads = await self._loads(draining) if draining else {}
        declared = {pod.uid for each in managed for pod in each.pods}
        lost = {uid: pod for uid, pod in self._draining.items() if uid not in declared}
        lost |= {pod.uid: pod for pod in self._strays()}
        tended = [each for each in managed if marks[each.variant.name] or _waits(each.pods)]
        failures = await _failures([self._carrier.tend(each, loads) for each in tended])
        kept = await _failures([self._carrier.give_back(pod) for pod in lost.values()])
        own = (pod for each in draining for pod in each.pods if pod.name in marks[each.variant.name])
        self._draining = {pod.uid: pod for pod in own} | (lost if kept else {})
        self._problems.settle("drains", next(iter((*failures, *kept)), None))


async def _failures(jobs: Sequence[Coroutine[Any, Any, None]]) -> list[str]:
    """Have everything done that can be, and say what could not."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    found = []
    for result in results:
        if isinstance(result, UserError):
            found.append(str(result))
        elif isinstance(result, BaseException):
            raise result
    return found


def _waits(pods: Sequence[Pod]) -> bool:
    """Whether one of them is not to be ready until its gate is opened."""
    return any(pod.serving is False and pod.deleted_at is None for pod in pods)

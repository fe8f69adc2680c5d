"""What a fleet's replicas have used, counted while it runs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from wva.fleet.clock import Clock
from wva.fleet.replica import Phase
from wva.fleet.variant import Variant
from wva.local.replica import LocalReplica

_SECOND_HOURS = 1.0 / 3600.0
LOOK_S = 0.1
"""Seconds on the wall between two looks."""


@dataclass(slots=True)
class Use:
    """Of one variant."""

    on_hardware_s: float = 0.0
    """Replica-seconds from the start of a process to its end: what is paid for."""
    ready_s: float = 0.0


class Meter:
    """Counts replica-seconds in the fleet's time; each look counts what it finds since the last."""

    def __init__(
        self, variants: Sequence[Variant], replicas: Callable[[], Sequence[LocalReplica]], clock: Clock
    ) -> None:
        self._variants = variants
        self._replicas = replicas
        self._clock = clock
        self._looked = clock.monotonic()
        self.use: Mapping[str, Use] = {variant.name: Use() for variant in variants}
        """By variant."""

    @property
    def cost(self) -> float:
        """What the replicas have cost."""
        return sum(
            self.use[variant.name].on_hardware_s * variant.cost_per_hour * _SECOND_HOURS for variant in self._variants
        )

    def look(self) -> None:
        """Count up to now."""
        now = self._clock.monotonic()
        passed, self._looked = now - self._looked, now
        for replica in self._replicas():
            use = self.use[replica.variant.name]
            if replica.phase is not Phase.PENDING:
                use.on_hardware_s += passed
            if replica.phase is Phase.READY:
                use.ready_s += passed

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()

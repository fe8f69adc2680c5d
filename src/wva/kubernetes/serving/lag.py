"""How late the event loop is: whatever holds it up keeps probes, scrapes and the Lease waiting as well."""

from typing import NoReturn

from prometheus_client import CollectorRegistry, Histogram

from wva.fleet.clock import Clock

EVERY_S = 0.1
_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LoopLag:
    """Samples it; ``run`` has to run in that loop."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        """Show what is sampled in the registry."""
        self._clock = clock
        self._lag = Histogram(
            "wva_event_loop_lag_seconds",
            f"How much later than asked for the event loop goes on, every {EVERY_S:g} s, in seconds.",
            buckets=_BOUNDS_S,
            registry=registry,
        )

    async def run(self) -> NoReturn:
        """Sample until cancelled."""
        while True:
            asked = self._clock.monotonic() + EVERY_S
            await self._clock.sleep(EVERY_S)
            self._lag.observe(max(0.0, self._clock.monotonic() - asked))

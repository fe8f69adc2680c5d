"""The series that only the leader shows, so that a variant has one wherever it is asked for."""

from collections.abc import Callable, Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import Collector


class LeaderMetrics(Collector):
    """Shows what another collector has while this process leads, by the moment at which it is asked."""

    def __init__(self, inner: Collector, leads: Callable[[], bool]) -> None:
        self._inner = inner
        self._leads = leads

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on who leads."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All of it or nothing."""
        found = list(self._inner.collect()) if self._leads() else []
        # Whoever was paused meanwhile may have lost the lead.
        return found if self._leads() else ()
